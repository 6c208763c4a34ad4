import tseslint from "typescript-eslint";

export default tseslint.config(
    { ignores: ["**/node_modules/", "**/*.js", "**/*.mjs"] },
    ...tseslint.configs.strictTypeChecked,
    ...tseslint.configs.stylisticTypeChecked,
    {
        languageOptions: {
            parserOptions: {
                project: ["./tsconfig.check.json", "./sandbox/tsconfig.json"],
                tsconfigRootDir: import.meta.dirname,
            },
        },
        rules: {
            "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
        },
    },
);
