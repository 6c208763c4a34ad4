// Package v4 has the types that the provider's Helm charts name. They are not enough to use one.
package v4

import "github.com/pulumi/pulumi/sdk/v3/go/pulumi"

type RepositoryOpts struct {
	CaFile, CertFile, KeyFile pulumi.AssetOrArchive
	Password, Repo, Username  *string
}

type RepositoryOptsInput interface{ pulumi.Input }

type PostRenderer struct {
	Command string
	Args    []string
}

type PostRendererInput interface{ pulumi.Input }
