// Pulumi's Kubernetes provider. The main package of its module needs files that only its own build makes; its library needs
// the two below, which build.ts takes from the module.
package main

import (
	_ "embed"

	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"
)

//go:embed schema.json
var schema []byte

//go:embed terraform-mapping.json
var mapping []byte

// Set by the build to the version that the npm package asks for.
var version string

func main() {
	versioned := append([]byte(`{"version": "`+version+`",`), schema[1:]...)
	provider.Serve("kubernetes", version, versioned, mapping)
}
