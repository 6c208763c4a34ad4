// Command web stands in for bootdotdev/synergychat-web: a page where people chat. The server only hands out the page;
// it is the browser that talks to the api.
package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
)

//go:embed index.html
var page []byte

//go:embed app.mjs
var script []byte

func main() {
	port := os.Getenv("WEB_PORT")
	if port == "" {
		port = "8080"
		log.Printf("WEB_PORT environment variable is not set, using %s", port)
	}
	apiURL := os.Getenv("API_URL")
	if apiURL == "" {
		log.Println("API_URL environment variable is not set: the page will find no messages")
	}
	log.Printf("Serving on port: %s", port)
	log.Fatal(http.ListenAndServe(":"+port, handler(apiURL)))
}

func handler(apiURL string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", serve("text/html; charset=utf-8", page))
	mux.HandleFunc("GET /app.js", serve("text/javascript; charset=utf-8", withAPIURL(script, apiURL)))
	return mux
}

// JSON is JavaScript, so that no address, however odd, can end the string that it stands in.
func withAPIURL(script []byte, apiURL string) []byte {
	literal, err := json.Marshal(strings.TrimSuffix(apiURL, "/"))
	if err != nil {
		log.Fatalf("API_URL: %v", err)
	}
	return bytes.Replace(script, []byte(`"%API_URL%"`), literal, 1)
}

func serve(contentType string, content []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		// A new API_URL must reach the browser with the next reload.
		w.Header().Set("Cache-Control", "no-store")
		_, _ = io.Copy(w, bytes.NewReader(content))
	}
}
