/**
 * Keeps two guards from working on one file. A deleted pod gets its successor at once, while its api may still be in a long
 * write. The kernel closes the connection to a guard when its process ends, however it ends.
 */
import { once } from "node:events";
import { mkdir, rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { dirname } from "node:path";

/**
 * Waits until no other guard holds this socket, and then holds it. On storage without sockets, or on another node, nothing is
 * waited for.
 *
 * @param path of the socket, on the volume of the api's file.
 */
export async function outlivePredecessor(path: string): Promise<void> {
    await once(connect(path), "close").catch(() => undefined); // An error: nobody holds it.
    await mkdir(dirname(path), { recursive: true }).catch(() => undefined);
    await rm(path, { force: true }).catch(() => undefined);
    createServer()
        .on("error", (error) => {
            console.log(`The next guard will not wait for this one: ${error.message}`);
        })
        .listen(path);
}
