import tseslint from "typescript-eslint";

/**
 * The folders of the program, and which others each may import: values and types, or types only. Nothing imports the
 * sandbox. Tests and tools are not in the table: they may import everything else.
 */
const rooms = {
    system: { values: ["pods"] },
    pods: {},
    policies: {},
    model: {},
    components: { values: ["model"], types: ["pods"] },
    config: { values: ["model", "system"], types: ["components"] },
    kubernetes: { values: ["model", "pods", "system"] },
    pulumi: { values: ["model", "system"], types: ["config", "kubernetes"] },
    preflight: { values: ["config", "kubernetes", "model", "pulumi", "system"] },
    cli: { values: ["config", "kubernetes", "model", "pods", "preflight", "pulumi", "system"] },
};
const allFolders = [...Object.keys(rooms), "program", "index", "tools", "tests", "sandbox"];

function forbidImports(files, folders, { from = "(\\.\\./)+", types = [] } = {}) {
    return {
        files,
        rules: {
            "@typescript-eslint/no-restricted-imports": [
                "error",
                {
                    patterns: folders.map((folder) => ({
                        regex: `^${from}${folder}(/|$)`,
                        message:
                            "The arrows between folders do not allow this: see the table in eslint.config.mjs.",
                        allowTypeImports: types.includes(folder),
                    })),
                },
            ],
        },
    };
}

const arrows = Object.entries(rooms).map(([room, { values = [], types = [] }]) =>
    forbidImports(
        [`${room}/**/*.ts`],
        allFolders.filter((folder) => folder !== room && !values.includes(folder)),
        { types },
    ),
);

export default tseslint.config(
    { ignores: ["**/node_modules/", "**/*.js", "**/*.cjs", "**/*.mjs"] },
    ...tseslint.configs.strictTypeChecked,
    ...tseslint.configs.stylisticTypeChecked,
    {
        languageOptions: {
            parserOptions: {
                project: "./tsconfig.json",
                tsconfigRootDir: import.meta.dirname,
            },
        },
        rules: {
            "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
            "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
        },
    },
    forbidImports(["*.ts"], ["cli", "tools", "tests", "sandbox"], { from: "\\./" }),
    forbidImports(["tools/**/*.ts", "tests/**/*.ts"], ["sandbox"]),
    ...arrows,
    {
        // Tests look into Kubernetes objects as the program made them; typing each path would say nothing more.
        files: ["tests/**/*.ts"],
        rules: {
            "@typescript-eslint/no-explicit-any": "off",
            "@typescript-eslint/no-unsafe-assignment": "off",
            "@typescript-eslint/no-unsafe-argument": "off",
            "@typescript-eslint/no-unsafe-call": "off",
            "@typescript-eslint/no-unsafe-member-access": "off",
            "@typescript-eslint/no-unsafe-return": "off",
        },
    },
);
