// The Node.js language host, which the Pulumi CLI starts to run a program. No package registry has Pulumi's own. Pulumi's SDK
// for Node.js has the scripts that run a program and a policy pack, so that little is left to do here. Methods that are
// missing here, the CLI takes for those of an older host.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	"github.com/pulumi/pulumi/sdk/v3/go/common/version"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
)

// A program that ends with this status has shown its error already.
const alreadyShown = 32

// Signals go to all that run.
type host struct {
	pulumirpc.UnimplementedLanguageRuntimeServer
	engine  string
	mutex   sync.Mutex
	running map[*os.Process]bool
}

func main() {
	// The CLI gives the address of its engine as the last argument.
	h := &host{engine: os.Args[len(os.Args)-1], running: map[*os.Process]bool{}}
	handle, err := rpcutil.ServeWithOptions(rpcutil.ServeOptions{
		Init: func(server *grpc.Server) error {
			pulumirpc.RegisterLanguageRuntimeServer(server, h)
			return nil
		},
		Options: rpcutil.TracingServerInterceptorOptions(nil),
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	// The CLI reads the port from the first line.
	fmt.Println(handle.Port)
	go h.endWithParent(os.Getppid())
	if err := <-handle.Done; err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// If the CLI was killed, nobody records what its program does any more.
func (h *host) endWithParent(parent int) {
	for os.Getppid() == parent {
		time.Sleep(time.Second)
	}
	h.signal(syscall.SIGKILL)
	os.Exit(1)
}

func (h *host) signal(signal os.Signal) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	for process := range h.running {
		_ = process.Signal(signal)
	}
}

// interrupt kills what still runs five seconds later.
func (h *host) interrupt() {
	h.signal(syscall.SIGINT)
	time.AfterFunc(5*time.Second, func() { h.signal(syscall.SIGKILL) })
}

// execute runs a command to its end. A status other than 0 is an *exec.ExitError.
func (h *host) execute(command *exec.Cmd) error {
	if err := command.Start(); err != nil {
		return err
	}
	h.mutex.Lock()
	h.running[command.Process] = true
	h.mutex.Unlock()
	defer func() {
		h.mutex.Lock()
		delete(h.running, command.Process)
		h.mutex.Unlock()
	}()
	return command.Wait()
}

func (h *host) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: version.Version}, nil
}

func (h *host) Cancel(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	h.interrupt()
	return &emptypb.Empty{}, nil
}

func (h *host) About(_ context.Context, request *pulumirpc.AboutRequest) (*pulumirpc.AboutResponse, error) {
	node := nodeOf(request.GetInfo().GetProgramDirectory())
	version, err := exec.Command(node, "--version").Output()
	return &pulumirpc.AboutResponse{Executable: node, Version: strings.TrimSpace(string(version))}, err
}

func (h *host) Run(ctx context.Context, request *pulumirpc.RunRequest) (*pulumirpc.RunResponse, error) {
	if request.GetAttachDebugger() {
		return nil, errors.New("this language host cannot attach a debugger")
	}
	info := request.GetInfo()
	node, env, err := nodeCommand(info, "cmd/run/index.js")
	if err != nil {
		return nil, err
	}
	config, err := json.Marshal(request.GetConfig())
	if err != nil {
		return nil, err
	}
	secretKeys, err := json.Marshal(append([]string{}, request.GetConfigSecretKeys()...))
	if err != nil {
		return nil, err
	}
	args := append(node[1:],
		"--engine="+h.engine,
		"--monitor="+request.GetMonitorAddress(),
		"--organization="+request.GetOrganization(),
		"--project="+request.GetProject(),
		"--stack="+request.GetStack(),
		"--root-directory="+info.GetRootDirectory(),
		"--pwd="+info.GetProgramDirectory(),
		"--parallel="+strconv.Itoa(int(request.GetParallel())),
		"--dry-run="+strconv.FormatBool(request.GetDryRun()),
		info.GetEntryPoint())
	program := exec.Command(node[0], append(args, request.GetArgs()...)...)
	program.Env = append(env, "PULUMI_CONFIG="+string(config), "PULUMI_CONFIG_SECRET_KEYS="+string(secretKeys))
	program.Stdout, program.Stderr = os.Stdout, os.Stderr
	defer context.AfterFunc(ctx, h.interrupt)()
	switch err := h.execute(program); {
	case err == nil:
		return &pulumirpc.RunResponse{}, nil
	case program.ProcessState != nil && program.ProcessState.ExitCode() == alreadyShown:
		return &pulumirpc.RunResponse{Bail: true}, nil
	default:
		return &pulumirpc.RunResponse{Error: "The program ended: " + err.Error()}, nil
	}
}

// RunPlugin runs a policy pack.
func (h *host) RunPlugin(request *pulumirpc.RunPluginRequest, stream grpc.ServerStreamingServer[pulumirpc.RunPluginResponse]) error {
	info := request.GetInfo()
	script := "cmd/run-plugin/index.js"
	if request.GetKind() == "analyzer" {
		script = "cmd/run-policy-pack/index.js"
	}
	node, env, err := nodeCommand(info, script)
	if err != nil {
		return err
	}
	program := exec.Command(node[0], append(append(node[1:], request.GetArgs()...), info.GetProgramDirectory())...)
	program.Dir = request.GetPwd()
	if request.GetKind() == "analyzer" {
		// The SDK of policies reads the pack's version from there.
		program.Dir = info.GetProgramDirectory()
	}
	program.Env = append(env, request.GetEnv()...)
	var sending sync.Mutex
	program.Stdout = writer(func(text []byte) error {
		sending.Lock()
		defer sending.Unlock()
		return stream.Send(&pulumirpc.RunPluginResponse{Output: &pulumirpc.RunPluginResponse_Stdout{Stdout: text}})
	})
	program.Stderr = writer(func(text []byte) error {
		sending.Lock()
		defer sending.Unlock()
		return stream.Send(&pulumirpc.RunPluginResponse{Output: &pulumirpc.RunPluginResponse_Stderr{Stderr: text}})
	})
	defer context.AfterFunc(stream.Context(), h.interrupt)()
	if err := h.execute(program); err != nil && program.ProcessState == nil {
		return err
	}
	code := int32(program.ProcessState.ExitCode())
	return stream.Send(&pulumirpc.RunPluginResponse{Output: &pulumirpc.RunPluginResponse_Exitcode{Exitcode: code}})
}

// InstallDependencies is what `pulumi install` calls.
func (h *host) InstallDependencies(request *pulumirpc.InstallDependenciesRequest, stream grpc.ServerStreamingServer[pulumirpc.InstallDependenciesResponse]) error {
	directory := request.GetInfo().GetProgramDirectory()
	root := nearest(directory, "package-lock.json")
	// `npm ci` wipes the packages first, and the Node.js that runs a program may be one of them.
	command := "install"
	if root != "" && !exists(filepath.Join(root, "node_modules")) {
		command = "ci"
	}
	npm := exec.Command("npm", command, "--loglevel=error")
	npm.Dir = directory
	if root != "" {
		npm.Dir = root
	}
	send := writer(func(text []byte) error {
		return stream.Send(&pulumirpc.InstallDependenciesResponse{Stdout: text})
	})
	npm.Stdout, npm.Stderr = send, send
	if err := h.execute(npm); err != nil {
		return fmt.Errorf("npm %s in %s: %w", command, npm.Dir, err)
	}
	return nil
}

type writer func(text []byte) error

var _ io.Writer = writer(nil)

func (w writer) Write(text []byte) (int, error) {
	return len(text), w(text)
}
