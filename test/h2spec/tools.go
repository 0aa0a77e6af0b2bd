//go:build tools

// Package h2spec pins the conformance test of HTTP/2 that `npm run h2spec` builds and runs.
package h2spec

import (
	_ "github.com/summerwind/h2spec/cmd/h2spec"
)
