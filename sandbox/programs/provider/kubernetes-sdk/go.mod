// In place of Pulumi's Go SDK for Kubernetes. The provider needs five names of it, for the component resources of YAML and
// Helm alone, but would have to compile all of it: 55 packages with a type for every kind, a third of the whole build.
module github.com/pulumi/pulumi-kubernetes/sdk/v4

go 1.26.6

require github.com/pulumi/pulumi/sdk/v3 v3.229.0
