// Stands in for an S3 service: one bucket, in memory, without a check of who asks.
package main

import (
	"log"
	"net/http"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

func main() {
	backend := s3mem.New()
	if err := backend.CreateBucket("bucket"); err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe(":9000", gofakes3.New(backend).Server()))
}
