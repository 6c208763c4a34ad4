/** mocha's `spec` report; the counts of the run and the titles of what failed in the file that TEST_COUNTS names. */
const { writeFileSync } = require("node:fs");
const { reporters, Runner } = require("mocha");

module.exports = class CountingSpec extends reporters.Spec {
    constructor(runner, options) {
        super(runner, options);
        const failed = [];
        runner.on(Runner.constants.EVENT_TEST_FAIL, (test) => failed.push(test.fullTitle()));
        runner.once(Runner.constants.EVENT_RUN_END, () => {
            const { passes, pending } = this.stats;
            writeFileSync(
                process.env.TEST_COUNTS,
                JSON.stringify({ passed: passes, failed, skipped: pending }),
            );
        });
    }
};
