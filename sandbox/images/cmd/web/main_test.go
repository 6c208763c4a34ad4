package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func get(h http.Handler, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

func TestPageAndNothingElse(t *testing.T) {
	h := handler("http://api.test")
	for path, want := range map[string]int{"/": 200, "/app.js": 200, "/healthz": 404, "/index.html": 404, "/messages": 404} {
		if got := get(h, path).Code; got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
}

func TestPageHasWhatBrowserTestsLookFor(t *testing.T) {
	page := get(handler(""), "/").Body.String()
	for _, id := range []string{"username", "message", "send", "messages", "error"} {
		if !strings.Contains(page, `id="`+id+`"`) {
			t.Errorf("no #%s", id)
		}
	}
	for _, outside := range []string{"http://", "https://", `src="//`} {
		if strings.Contains(page, outside) {
			t.Errorf("the page loads something from %s", outside)
		}
	}
}

func TestScriptKnowsTheAddressOfTheAPI(t *testing.T) {
	for apiURL, want := range map[string]string{
		"http://api.test":  `const API_URL = "http://api.test";`,
		"http://api.test/": `const API_URL = "http://api.test";`,
		`";alert(1)//`:     `const API_URL = "\";alert(1)/";`,
		"":                 `const API_URL = "";`,
	} {
		if script := get(handler(apiURL), "/app.js").Body.String(); !strings.Contains(script, want) {
			t.Errorf("%q: no line %s", apiURL, want)
		}
	}
}
