/** A client without a cluster: it answers as a function says. */
import { type Answer, Client } from "../../../kubernetes/client.ts";

/** What a fake cluster answers to a request. */
export type Responder = (path: string, method: "GET" | "POST" | "PATCH" | "DELETE", body?: unknown) => Answer;

/** The real client in everything that it makes of answers. Only its requests do not leave this process. */
export function fakeClient(respond: Responder): Client {
    const answer = (...request: Parameters<Responder>) => Promise.resolve(respond(...request));
    return Object.assign(Object.create(Client.prototype) as Client, {
        target: { context: "minikube" },
        read: (path: string) => answer(path, "GET"),
        post: (path: string, body: unknown) => answer(path, "POST", body),
        patch: (path: string, body: unknown) => answer(path, "PATCH", body),
        delete: (path: string) => answer(path, "DELETE"),
    });
}
