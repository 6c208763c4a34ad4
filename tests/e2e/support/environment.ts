/**
 * Changes the environment of this process, which the commands of a scenario inherit.
 *
 * @returns restores the variables as they were, set or not.
 */
export function changeEnvironment(changes: Readonly<Record<string, string>>): () => void {
    const before = Object.keys(changes).map((name) => [name, process.env[name]] as const);
    Object.assign(process.env, changes);
    return () => {
        for (const [name, value] of before) {
            if (value === undefined) {
                Reflect.deleteProperty(process.env, name);
            } else {
                process.env[name] = value;
            }
        }
    };
}
