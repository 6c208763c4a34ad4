/** mocha's `spec` report, and the counts of the run in the file that TEST_COUNTS names. */
const { writeFileSync } = require("node:fs");
const { reporters, Runner } = require("mocha");

module.exports = class CountingSpec extends reporters.Spec {
    constructor(runner, options) {
        super(runner, options);
        runner.once(Runner.constants.EVENT_RUN_END, () => {
            const { passes, failures, pending } = this.stats;
            writeFileSync(
                process.env.TEST_COUNTS,
                JSON.stringify({ passed: passes, failed: failures, skipped: pending }),
            );
        });
    }
};
