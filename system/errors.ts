import { RunError } from "@pulumi/pulumi/errors.js";

/**
 * A problem that a person can solve. Pulumi and the commands show its message alone, without a stack trace.
 *
 * The message says what is wrong with the value, why it matters if that is not obvious, what is allowed, and the command
 * to run.
 */
export class UserError extends RunError {}

/** A failure that may pass by itself, for example because the API server restarts. The same question can be asked again. */
export class TransientError extends UserError {}

/** An error that is shown as its message alone: a UserError, or one of the operating system, such as a full disk. */
export function isUserError(error: unknown): error is Error {
    return RunError.isInstance(error) || (error instanceof Error && "syscall" in error);
}
