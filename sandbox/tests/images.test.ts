import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { extract, type Header } from "tar-stream";
import { imageTar, nodeFiles, nodeImage, type ImageFile, type ImageSpec } from "../images/build.ts";

interface Member {
    header: Header;
    body: Buffer;
}

async function members(archive: Buffer): Promise<Map<string, Member>> {
    const found = new Map<string, Member>();
    const unpacked = extract();
    Readable.from([archive]).pipe(unpacked);
    for await (const entry of unpacked) {
        const chunks: Buffer[] = [];
        for await (const chunk of entry as AsyncIterable<Buffer>) {
            chunks.push(chunk);
        }
        found.set(entry.header.name, { header: entry.header, body: Buffer.concat(chunks) });
    }
    return found;
}

function sha256(bytes: Buffer): string {
    return createHash("sha256").update(bytes).digest("hex");
}

function member(archive: Map<string, Member>, name: string): Member {
    const found = archive.get(name);
    assert.ok(found, `no ${name} among ${[...archive.keys()].join(", ")}`);
    return found;
}

function json(archive: Map<string, Member>, name: string): unknown {
    return JSON.parse(member(archive, name).body.toString());
}

describe("imageTar", () => {
    let folder: string;
    beforeEach(async () => {
        folder = await mkdtemp(join(tmpdir(), "images-test-"));
    });
    afterEach(async () => {
        await rm(folder, { recursive: true });
    });

    function spec(files: ImageFile[], name = "image.tar"): ImageSpec {
        return {
            reference: "docker.io/example/program:1",
            out: join(folder, name),
            files,
            config: { cmd: ["/bin/program"] },
        };
    }

    async function write(
        files: ImageFile[],
    ): Promise<{ archive: Map<string, Member>; layer: Map<string, Member> }> {
        const { out } = spec(files);
        await imageTar(spec(files));
        const archive = await members(await readFile(out));
        const [image] = json(archive, "manifest.json") as { Layers: [string] }[];
        assert.ok(image);
        return { archive, layer: await members(member(archive, image.Layers[0]).body) };
    }

    it("ties the manifest, the config and the layer together by their digests", async () => {
        const { archive } = await write([{ path: "/opt/program", content: "x" }]);
        const manifest = json(archive, "manifest.json") as {
            Config: string;
            RepoTags: string[];
            Layers: string[];
        }[];
        assert.equal(manifest.length, 1);
        const [image] = manifest;
        assert.ok(image);
        assert.deepEqual(image.RepoTags, ["docker.io/example/program:1"]);
        assert.equal(image.Config, `${sha256(member(archive, image.Config).body)}.json`);
        const config = json(archive, image.Config) as { os: string; config: object; rootfs: object };
        const layers = image.Layers.map((name) => `sha256:${sha256(member(archive, name).body)}`);
        assert.deepEqual(config.rootfs, { type: "layers", diff_ids: layers });
        assert.equal(config.os, "linux");
        assert.deepEqual(config.config, {
            Cmd: ["/bin/program"],
            Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            WorkingDir: "/",
        });
    });

    it("puts files, folders and links in the layer, each after the folders that it is in", async () => {
        const source = join(folder, "source");
        await writeFile(source, "from this machine");
        const { layer } = await write([
            { path: "/opt/bin/program", source, mode: 0o755 },
            { path: "/opt/bin/other", content: "given" },
            { path: "/opt/bin/link", symlink: "program" },
            { path: "/tmp/", directory: true, mode: 0o1777 },
        ]);
        assert.deepEqual(
            [...layer].map(([name, { header, body }]) => [name, header.type, header.mode, body.toString()]),
            [
                ["opt/", "directory", 0o755, ""],
                ["opt/bin/", "directory", 0o755, ""],
                ["opt/bin/program", "file", 0o755, "from this machine"],
                ["opt/bin/other", "file", 0o644, "given"],
                ["opt/bin/link", "symlink", 0o777, ""],
                ["tmp/", "directory", 0o1777, ""],
            ],
        );
        assert.equal(layer.get("opt/bin/link")?.header.linkname, "program");
    });

    it("belongs to root and bears no time, whoever builds it and whenever", async () => {
        const { archive, layer } = await write([{ path: "/opt/program", content: "x" }]);
        for (const { header } of [...archive.values(), ...layer.values()]) {
            assert.deepEqual([header.uid, header.gid, header.mtime.getTime()], [0, 0, 0], header.name);
        }
    });

    it("gives the same bytes for the same input, and others for another", async () => {
        const files = [{ path: "/opt/program", content: "x" }];
        await imageTar(spec(files, "one.tar"));
        await imageTar(spec(files, "two.tar"));
        await imageTar(spec([{ path: "/opt/program", content: "y" }], "three.tar"));
        const [one, two, three] = await Promise.all(
            ["one.tar", "two.tar", "three.tar"].map((name) => readFile(join(folder, name))),
        );
        assert.ok(one && two && three);
        assert.ok(one.equals(two));
        assert.ok(!one.equals(three));
    });

    it("holds long paths and binary content", async () => {
        const path = `${"/a-folder-with-a-long-name".repeat(8)}/program`;
        const content = Buffer.from(Array.from({ length: 100_000 }, (_, index) => index % 256));
        const { layer } = await write([{ path, content }]);
        assert.ok(member(layer, path.slice(1)).body.equals(content));
    });

    it("leaves nothing under the image's name when a file is missing", async () => {
        const missing = join(folder, "missing");
        await assert.rejects(imageTar(spec([{ path: "/opt/program", source: missing }])), /ENOENT.*missing/);
        await assert.rejects(imageTar(spec([{ path: "/opt/program" }])), /needs one of source, content/);
        assert.deepEqual(await readdir(folder), []);
    });
});

describe("the stand-in for the image of Node.js", () => {
    it("holds every shared library that this Node.js has loaded, at its path", async () => {
        const files = await nodeFiles();
        const { sharedObjects } = process.report.getReport() as { sharedObjects: string[] };
        const loaded = sharedObjects.filter((path) => path.startsWith("/") && path.includes(".so"));
        assert.ok(loaded.length > 0);
        const paths = files.map(({ path }) => path);
        assert.deepEqual(
            loaded.filter((path) => !paths.includes(path)),
            [],
        );
        for (const path of ["/usr/local/bin/node", "/bin/sh"]) {
            assert.ok(paths.includes(path), path);
        }
    });

    it("has the version that the image's tag names", () => {
        const [, major] = /:(\d+)-/.exec(nodeImage.reference) ?? [];
        assert.equal(process.version.split(".")[0], `v${major}`);
    });
});
