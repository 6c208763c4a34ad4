/**
 * Stands for `@npmcli/arborist`, npm's dependency solver, until somebody uses it. `@pulumi/pulumi` loads it in every program,
 * for functions that are serialized, such as those of dynamic providers. Most programs have none, and it is 150 files.
 *
 * Source: `runtime/closure/codePaths.js` of @pulumi/pulumi.
 */
exports.__esModule = true;
Object.defineProperty(exports, "Arborist", {
    enumerable: true,
    get: () => require("@npmcli/arborist").Arborist,
});
