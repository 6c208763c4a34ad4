package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func newServer(t *testing.T, file string) *server {
	t.Helper()
	st, err := openStore(file)
	if err != nil {
		t.Fatal(err)
	}
	return &server{store: st, exit: func(int) {}}
}

func request(s *server, method, path, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.handler().ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	return w
}

func post(s *server, author, text string) int {
	body, _ := json.Marshal(map[string]string{"AuthorUsername": author, "Text": text})
	return request(s, http.MethodPost, "/messages", string(body)).Code
}

func list(t *testing.T, s *server) []message {
	t.Helper()
	w := request(s, http.MethodGet, "/messages", "")
	if w.Code != http.StatusOK {
		t.Fatalf("GET /messages: %d %s", w.Code, w.Body)
	}
	var messages []message
	if err := json.Unmarshal(w.Body.Bytes(), &messages); err != nil {
		t.Fatal(err)
	}
	return messages
}

func TestMessagesKeepTheirOrderAndOutliveAFileServer(t *testing.T) {
	file := filepath.Join(t.TempDir(), "not", "there", "db.json")
	for name, c := range map[string]struct {
		file string
		kept int
	}{"memory": {"", 0}, "file": {file, 3}} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, c.file)
			if body := request(s, http.MethodGet, "/messages", "").Body.String(); body != "[]\n" {
				t.Fatalf("an empty list is %q", body)
			}
			for i := range 3 {
				if code := post(s, "ann", fmt.Sprint(i)); code != http.StatusCreated {
					t.Fatal(code)
				}
			}
			for i, m := range list(t, s) {
				if m.AuthorUsername != "ann" || m.Text != fmt.Sprint(i) {
					t.Fatalf("message %d is %+v", i, m)
				}
			}
			if kept := len(list(t, newServer(t, c.file))); kept != c.kept {
				t.Fatalf("%d messages after a restart, want %d", kept, c.kept)
			}
		})
	}
}

func TestATornFileFailsMessagesButNotHealth(t *testing.T) {
	for name, content := range map[string]string{"empty": "", "cut": `[{"AuthorUsername":"ann","Te`} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "db.json")
			if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
			s := newServer(t, file)
			if code := request(s, http.MethodGet, "/healthz", "").Code; code != http.StatusOK {
				t.Fatalf("/healthz: %d", code)
			}
			if code := request(s, http.MethodGet, "/messages", "").Code; code != http.StatusInternalServerError {
				t.Fatalf("GET: %d", code)
			}
			if code := post(s, "ann", "hello"); code != http.StatusInternalServerError {
				t.Fatalf("POST: %d", code)
			}
			if now, _ := os.ReadFile(file); string(now) != content {
				t.Fatalf("the torn file was changed to %q", now)
			}
		})
	}
}

func TestEveryRequestReadsTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "db.json")
	s := newServer(t, file)
	if err := os.WriteFile(file, []byte(`[{"AuthorUsername":"bob","Text":"from outside"}]`), 0o644); err != nil {
		t.Fatal(err)
	}
	if messages := list(t, s); len(messages) != 1 || messages[0].Text != "from outside" {
		t.Fatalf("%+v", messages)
	}
}

func TestTwoMessagesAtOnceCanLoseOne(t *testing.T) {
	s := newServer(t, filepath.Join(t.TempDir(), "db.json"))
	s.gap = 200 * time.Millisecond
	var both sync.WaitGroup
	for _, author := range []string{"ann", "bob"} {
		both.Go(func() {
			if code := post(s, author, "hello"); code != http.StatusCreated {
				t.Errorf("%s: %d", author, code)
			}
		})
	}
	both.Wait()
	if kept := len(list(t, s)); kept != 1 {
		t.Fatalf("%d messages kept: the fault that this stands in for is gone", kept)
	}
}

func TestASwearWordEndsTheProcessBeforeItIsSaved(t *testing.T) {
	s := newServer(t, "")
	code := 0
	s.exit = func(c int) { code = c }
	post(s, "ann", "check this out")
	if code != 0 {
		t.Fatal("a part of a word was taken for a swear word")
	}
	post(s, "ann", "Oh, HECK!")
	if code != 1 {
		t.Fatalf("exit code %d", code)
	}
	if kept := len(list(t, s)); kept != 1 {
		t.Fatalf("%d messages", kept)
	}
}

func TestBadRequests(t *testing.T) {
	s := newServer(t, "")
	for _, body := range []string{"", "{", "[]", "{}", `{"AuthorUsername":"ann"}`, `{"Text":"hello"}`} {
		if code := request(s, http.MethodPost, "/messages", body).Code; code != http.StatusBadRequest {
			t.Errorf("%q: %d", body, code)
		}
	}
	if code := request(s, http.MethodGet, "/", "").Code; code != http.StatusNotFound {
		t.Errorf("/: %d", code)
	}
	if code := request(s, http.MethodDelete, "/messages", "").Code; code != http.StatusMethodNotAllowed {
		t.Errorf("DELETE: %d", code)
	}
}

func TestABrowserOnAnotherOriginMayCall(t *testing.T) {
	s := newServer(t, "")
	preflight := request(s, http.MethodOptions, "/messages", "")
	if preflight.Code != http.StatusNoContent {
		t.Fatal(preflight.Code)
	}
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin":  "*",
		"Access-Control-Allow-Methods": "GET, POST, OPTIONS",
		"Access-Control-Allow-Headers": "Content-Type",
	} {
		if got := preflight.Header().Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if got := request(s, http.MethodGet, "/messages", "").Header().Get("Access-Control-Allow-Origin"); got != "*" {
		t.Errorf("GET: %q", got)
	}
}

func TestStatsCommandAsksTheCrawler(t *testing.T) {
	crawler := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if keywords := r.URL.Query().Get("keywords"); keywords != "love,hate" {
			t.Errorf("asked for %q", keywords)
		}
		_, _ = fmt.Fprint(w, `{"Books": 2, "Keywords": {"love": 3, "hate": 0}}`)
	}))
	defer crawler.Close()
	s := newServer(t, "")
	s.crawlerURL = crawler.URL
	post(s, "ann", "/stats love, hate")
	post(s, "ann", "/statistics")
	messages := list(t, s)
	if len(messages) != 3 || messages[1].Text != "Books: 2, hate: 0, love: 3" {
		t.Fatalf("%+v", messages)
	}
	crawler.Close()
	if code := post(s, "ann", "/stats"); code != http.StatusCreated {
		t.Fatalf("a crawler that is away fails the message: %d", code)
	}
}
