package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
)

// The tests start their own program as the host, as the CLI starts the host.
func TestMain(m *testing.M) {
	if os.Getenv("TEST_AS_HOST") != "" {
		_ = os.Unsetenv("TEST_AS_HOST")
		main()
		return
	}
	os.Exit(m.Run())
}

const sdk = "node_modules/@pulumi/pulumi/"

type project struct {
	*testing.T
	folder string
	client pulumirpc.LanguageRuntimeClient
}

// start returns a host, and a folder with an SDK whose scripts are the test's own.
func start(t *testing.T) project {
	command := exec.Command(os.Args[0], "--logtostderr", "127.0.0.1:1")
	command.Env = append(os.Environ(), "TEST_AS_HOST=1")
	command.Stderr = os.Stderr
	out, err := command.StdoutPipe()
	require(t, err)
	require(t, command.Start())
	t.Cleanup(func() { _ = command.Process.Kill(); _ = command.Wait() })
	port, err := bufio.NewReader(out).ReadString('\n')
	require(t, err)
	connection, err := grpc.NewClient("127.0.0.1:"+strings.TrimSpace(port), grpc.WithTransportCredentials(insecure.NewCredentials()))
	require(t, err)
	t.Cleanup(func() { _ = connection.Close() })
	p := project{t, t.TempDir(), pulumirpc.NewLanguageRuntimeClient(connection)}
	p.write(sdk+"package.json", `{ "name": "@pulumi/pulumi", "version": "3.0.0" }`)
	p.write("program/package.json", "{}")
	return p
}

func require(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (p project) write(name, content string) {
	p.Helper()
	file := filepath.Join(p.folder, name)
	require(p.T, os.MkdirAll(filepath.Dir(file), 0o755))
	require(p.T, os.WriteFile(file, []byte(content), 0o644))
}

func (p project) info(options map[string]any) *pulumirpc.ProgramInfo {
	p.Helper()
	fields, err := structpb.NewStruct(options)
	require(p.T, err)
	return &pulumirpc.ProgramInfo{
		RootDirectory: p.folder, ProgramDirectory: filepath.Join(p.folder, "program"), EntryPoint: ".", Options: fields,
	}
}

func (p project) run(options map[string]any) (*pulumirpc.RunResponse, error) {
	return p.client.Run(context.Background(), &pulumirpc.RunRequest{
		MonitorAddress: "127.0.0.1:2", Project: "project", Stack: "stack", Parallel: 4, DryRun: true,
		Config: map[string]string{"project:key": "value"}, ConfigSecretKeys: []string{"project:secret"}, Info: p.info(options),
	})
}

// What the script of the SDK saw, which writes it to a file.
type seen struct {
	Args, ExecArgv []string
	Env            map[string]string
}

const see = `require("fs").writeFileSync(__dirname + "/seen.json", JSON.stringify({
	args: process.argv.slice(2), execArgv: process.execArgv, env: process.env }));`

func (p project) seen() (found seen) {
	p.Helper()
	text, err := os.ReadFile(filepath.Join(p.folder, sdk, "cmd/run/seen.json"))
	require(p.T, err)
	require(p.T, json.Unmarshal(text, &found))
	return found
}

func TestRunTellsTheSdkAllThatItNeedsToKnow(t *testing.T) {
	p := start(t)
	p.write(sdk+"cmd/run/index.js", see)
	response, err := p.run(nil)
	require(t, err)
	if response.Error != "" || response.Bail {
		t.Fatal(response)
	}
	found := p.seen()
	wanted := []string{
		"--engine=127.0.0.1:1", "--monitor=127.0.0.1:2", "--organization=", "--project=project", "--stack=stack",
		"--root-directory=" + p.folder, "--pwd=" + filepath.Join(p.folder, "program"), "--parallel=4", "--dry-run=true", ".",
	}
	if !slices.Equal(found.Args, wanted) {
		t.Errorf("arguments %q", found.Args)
	}
	for name, value := range map[string]string{
		"PULUMI_CONFIG": `{"project:key":"value"}`, "PULUMI_CONFIG_SECRET_KEYS": `["project:secret"]`, "PULUMI_NODEJS_TYPESCRIPT": "true",
	} {
		if found.Env[name] != value {
			t.Errorf("%s is %q", name, found.Env[name])
		}
	}
}

func TestRunPassesTheOptionsOfTheProject(t *testing.T) {
	p := start(t)
	p.write(sdk+"cmd/run/index.js", see)
	_, err := p.run(map[string]any{"typescript": false, "packagemanager": "npm", "nodeargs": `--no-deprecation  --title="a program"`})
	require(t, err)
	found := p.seen()
	if !slices.Equal(found.ExecArgv, []string{"--no-deprecation", "--title=a program"}) {
		t.Errorf("arguments of Node.js %q", found.ExecArgv)
	}
	if _, isSet := found.Env["PULUMI_NODEJS_TYPESCRIPT"]; isSet {
		t.Error("TypeScript is compiled")
	}
	for _, unknown := range []map[string]any{{"bun": true}, {"packagemanager": "yarn"}} {
		if _, err := p.run(unknown); err == nil {
			t.Errorf("%v is ignored", unknown)
		}
	}
}

func TestRunTellsAProgramThatFailedFromOneThatHasShownItsError(t *testing.T) {
	p := start(t)
	for status, bail := range map[string]bool{"32": true, "1": false} {
		p.write(sdk+"cmd/run/index.js", "process.exit("+status+")")
		response, err := p.run(nil)
		require(t, err)
		if response.Bail != bail || (response.Error == "") != bail {
			t.Error(status, response)
		}
	}
}

func TestRunNeedsTheSdk(t *testing.T) {
	p := start(t)
	require(t, os.RemoveAll(filepath.Join(p.folder, "node_modules")))
	if _, err := p.run(nil); err == nil || !strings.Contains(err.Error(), "pulumi install") {
		t.Error(err)
	}
}

func TestCancelInterruptsTheProgram(t *testing.T) {
	p := start(t)
	p.write(sdk+"cmd/run/index.js", see+"setInterval(() => {}, 1000);")
	ended := make(chan string)
	go func() {
		response, _ := p.run(nil)
		ended <- response.GetError()
	}()
	for !exists(filepath.Join(p.folder, sdk, "cmd/run/seen.json")) {
		time.Sleep(10 * time.Millisecond)
	}
	_, err := p.client.Cancel(context.Background(), &emptypb.Empty{})
	require(t, err)
	if said := <-ended; !strings.Contains(said, "interrupt") {
		t.Error(said)
	}
}

func TestPackagesAndProviders(t *testing.T) {
	p := start(t)
	p.write("node_modules/@pulumi/kubernetes/package.json",
		`{ "name": "@pulumi/kubernetes", "version": "4.34.2", "pulumi": { "resource": true, "name": "kubernetes" } }`)
	p.write("node_modules/plain/package.json", `{ "name": "plain", "version": "1.0.0" }`)
	p.write("program/package.json", `{ "devDependencies": { "plain": "^1" } }`)
	required, err := p.client.GetRequiredPackages(context.Background(), &pulumirpc.GetRequiredPackagesRequest{Info: p.info(nil)})
	require(t, err)
	if list := required.Packages; len(list) != 1 || list[0].Kind+list[0].Name+list[0].Version != "resourcekubernetesv4.34.2" {
		t.Error(list)
	}
	for all, wanted := range map[bool]string{false: "plain", true: "@pulumi/kubernetes @pulumi/pulumi plain"} {
		found, err := p.client.GetProgramDependencies(context.Background(),
			&pulumirpc.GetProgramDependenciesRequest{Info: p.info(nil), TransitiveDependencies: all})
		require(t, err)
		var names []string
		for _, one := range found.Dependencies {
			names = append(names, one.Name)
		}
		if strings.Join(names, " ") != wanted {
			t.Error(all, names)
		}
	}
}

func TestInstallFailsIfNpmDoes(t *testing.T) {
	p := start(t)
	install := func() error {
		stream, err := p.client.InstallDependencies(context.Background(), &pulumirpc.InstallDependenciesRequest{Info: p.info(nil)})
		for err == nil {
			_, err = stream.Recv()
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		return err
	}
	p.write("program/package.json", `{ "dependencies": { "local": "file:../local" } }`)
	p.write("local/package.json", `{ "name": "local", "version": "1.2.3" }`)
	require(t, install())
	if !exists(filepath.Join(p.folder, "program/node_modules/local")) {
		t.Error("the package is not installed")
	}
	p.write("program/package.json", "no JSON")
	if install() == nil {
		t.Error("npm did not fail")
	}
}

func TestRunPluginRunsAPolicyPack(t *testing.T) {
	p := start(t)
	p.write(sdk+"cmd/run-policy-pack/index.js", `console.log(process.argv.slice(2).join(" "), process.cwd()); process.exit(3)`)
	stream, err := p.client.RunPlugin(context.Background(),
		&pulumirpc.RunPluginRequest{Pwd: p.folder, Info: p.info(nil), Kind: "analyzer", Args: []string{"127.0.0.1:1"}})
	require(t, err)
	out, code := "", int32(-1)
	for {
		message, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		require(t, err)
		out += string(message.GetStdout())
		if ended, ok := message.Output.(*pulumirpc.RunPluginResponse_Exitcode); ok {
			code = ended.Exitcode
		}
	}
	pack := filepath.Join(p.folder, "program")
	if out != "127.0.0.1:1 "+pack+" "+pack+"\n" || code != 3 {
		t.Error(out, code)
	}
}

func TestAboutNamesTheNodeThatRunsPrograms(t *testing.T) {
	p := start(t)
	about, err := p.client.About(context.Background(), &pulumirpc.AboutRequest{Info: p.info(nil)})
	require(t, err)
	if !strings.HasPrefix(about.Version, "v") {
		t.Error(about)
	}
}
