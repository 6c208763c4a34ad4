package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/kballard/go-shellquote"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// What is read of a package.json.
type manifest struct {
	Name            string
	Version         string
	Dependencies    map[string]string
	DevDependencies map[string]string
	Pulumi          struct {
		Resource bool
		Name     string
		Version  string
		Server   string
	}
}

func (h *host) GetRequiredPackages(_ context.Context, request *pulumirpc.GetRequiredPackagesRequest) (*pulumirpc.GetRequiredPackagesResponse, error) {
	var packages []*pulumirpc.PackageDependency
	for _, found := range installed(request.GetInfo().GetProgramDirectory()) {
		if !found.Pulumi.Resource {
			continue
		}
		packages = append(packages, &pulumirpc.PackageDependency{
			Kind:    "resource",
			Name:    or(found.Pulumi.Name, strings.TrimPrefix(found.Name, "@pulumi/")),
			Version: "v" + strings.TrimPrefix(or(found.Pulumi.Version, found.Version), "v"),
			Server:  found.Pulumi.Server,
		})
	}
	return &pulumirpc.GetRequiredPackagesResponse{Packages: packages}, nil
}

func (h *host) GetProgramDependencies(_ context.Context, request *pulumirpc.GetProgramDependenciesRequest) (*pulumirpc.GetProgramDependenciesResponse, error) {
	directory := request.GetInfo().GetProgramDirectory()
	own := read(filepath.Join(directory, "package.json"))
	var dependencies []*pulumirpc.DependencyInfo
	for _, found := range installed(directory) {
		_, isDirect := own.Dependencies[found.Name]
		_, isForDevelopment := own.DevDependencies[found.Name]
		if isDirect || isForDevelopment || request.GetTransitiveDependencies() {
			dependencies = append(dependencies, &pulumirpc.DependencyInfo{Name: found.Name, Version: found.Version})
		}
	}
	return &pulumirpc.GetProgramDependenciesResponse{Dependencies: dependencies}, nil
}

// nodeCommand returns Node.js with its arguments up to a script of Pulumi's SDK, and the environment of the program, for the
// runtime options of Pulumi.yaml.
func nodeCommand(info *pulumirpc.ProgramInfo, script string) (command, env []string, err error) {
	directory := info.GetProgramDirectory()
	root := nearest(directory, "node_modules/@pulumi/pulumi")
	if root == "" {
		return nil, nil, fmt.Errorf("@pulumi/pulumi is not installed for %s. Run: pulumi install", directory)
	}
	command = []string{nodeOf(directory)}
	env = append(os.Environ(), "PULUMI_NODEJS_TYPESCRIPT=true")
	for name, value := range info.GetOptions().AsMap() {
		switch {
		case name == "typescript" && value == false:
			env = os.Environ()
		case name == "typescript", name == "packagemanager" && value == "npm":
		case name == "nodeargs":
			words, err := shellquote.Split(fmt.Sprint(value))
			if err != nil {
				return nil, nil, fmt.Errorf("nodeargs: %w", err)
			}
			command = append(command, words...)
		default:
			return nil, nil, fmt.Errorf("the sandbox's language host does not support the runtime option \"%s: %v\"", name, value)
		}
	}
	return append(command, filepath.Join(root, "node_modules/@pulumi/pulumi", script)), env, nil
}

// nodeOf prefers the Node.js that is a package of the program: the one on the PATH may be too old.
func nodeOf(directory string) string {
	const own = "node_modules/.bin/node"
	if root := nearest(directory, own); root != "" {
		return filepath.Join(root, own)
	}
	return "node"
}

// installed returns the packages in the nearest node_modules: npm workspaces keep theirs at the root.
func installed(directory string) []manifest {
	modules := filepath.Join(nearest(directory, "node_modules"), "node_modules")
	plain, _ := filepath.Glob(filepath.Join(modules, "*/package.json"))
	scoped, _ := filepath.Glob(filepath.Join(modules, "@*/*/package.json"))
	files := append(plain, scoped...)
	sort.Strings(files)
	var found []manifest
	for _, file := range files {
		if one := read(file); one.Name != "" {
			found = append(found, one)
		}
	}
	return found
}

func read(file string) manifest {
	var found manifest
	if text, err := os.ReadFile(file); err == nil {
		_ = json.Unmarshal(text, &found)
	}
	return found
}

// nearest returns the nearest folder with a file or folder of this name, upwards. Empty: there is none.
func nearest(directory, name string) string {
	for ; !exists(filepath.Join(directory, name)); directory = filepath.Dir(directory) {
		if directory == filepath.Dir(directory) {
			return ""
		}
	}
	return directory
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func or(first, second string) string {
	if first != "" {
		return first
	}
	return second
}
