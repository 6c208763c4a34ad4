/** The api as people outside the cluster reach it: an ingress controller hears of a new pod some seconds later. */
import type { ExposureKind } from "../model/kinds.ts";
import type { Client } from "../kubernetes/client.ts";
import { findExposureObject } from "../kubernetes/ingress.ts";
import { UserError } from "../system/errors.ts";
import { firstAnswering, loopback } from "./addresses.ts";
import type { Output } from "./output.ts";

const searchSeconds = 4;
const returnSeconds = 60;

/** An address at which the api answers this machine. Undefined if there is none, or if the api is not exposed. */
export async function findAddress(
    client: Client,
    namespace: string,
    exposure: ExposureKind,
    apiUrl: string,
): Promise<string | undefined> {
    const published = (await findExposureObject(client, namespace, exposure))?.addresses;
    return published && firstAnswering(`${apiUrl}/messages`, [...published, loopback], searchSeconds);
}

/**
 * Waits until the api answers at the address again.
 *
 * @param address Undefined: the api answered this machine at none before.
 * @throws UserError if it does not within a minute.
 */
export async function waitForAnswer(
    { info }: Pick<Output, "info">,
    apiUrl: string,
    address: string | undefined,
    stack: string,
): Promise<void> {
    if (address === undefined) {
        return;
    }
    info(`    Waiting until it answers at ${address} ...`);
    const url = `${apiUrl}/messages`;
    if ((await firstAnswering(url, [address], returnSeconds)) === undefined) {
        throw new UserError(
            `${url} has not answered at ${address} for ${returnSeconds} s. It answered there before.\n` +
                `  See what is wrong:  npm run verify -- ${stack}`,
        );
    }
}
