package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func newServer(t *testing.T, file string) *server {
	t.Helper()
	messages, err := openStore(file)
	if err != nil {
		t.Fatal(err)
	}
	return &server{store: messages, exit: func(int) {}}
}

func request(s *server, method, path, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.handler().ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	return w
}

func post(s *server, author, text string) *httptest.ResponseRecorder {
	body, _ := json.Marshal(message{author, text})
	return request(s, http.MethodPost, "/messages", string(body))
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

func content(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// What the original leaves on its volume, byte for byte.
const written = `[
  {
    "AuthorUsername": "ada",
    "Text": "one"
  },
  {
    "AuthorUsername": "böb",
    "Text": "\u003cb\u003e \"two\"\n"
  }
]`

func TestTheFileIsByteForByteTheOriginals(t *testing.T) {
	file := filepath.Join(t.TempDir(), "not", "there", "db.json")
	s := newServer(t, file)
	if got := content(t, file); got != "[]" {
		t.Fatalf("a new file holds %q", got)
	}
	for _, m := range []message{{"ada", "one"}, {"böb", "<b> \"two\"\n"}} {
		if w := post(s, m.AuthorUsername, m.Text); w.Code != http.StatusCreated {
			t.Fatal(w.Code)
		}
	}
	if got := content(t, file); got != written {
		t.Fatal(got)
	}
	if info, err := os.Stat(file); err != nil || info.Mode() != 0o644 {
		t.Fatal(info.Mode(), err)
	}
}

func TestAnswersAreTheWholeListInTheLayoutOfTheFile(t *testing.T) {
	s := newServer(t, "")
	if body := request(s, http.MethodGet, "/messages", "").Body.String(); body != "[]" {
		t.Fatalf("an empty list is %q", body)
	}
	post(s, "ada", "one")
	if w := post(s, "böb", "<b> \"two\"\n"); w.Code != http.StatusCreated || w.Body.String() != written {
		t.Fatal(w.Code, w.Body)
	}
	if body := request(s, http.MethodGet, "/messages", "").Body.String(); body != written {
		t.Fatal(body)
	}
}

func TestMessagesOutliveTheProcessOnlyInAFile(t *testing.T) {
	for name, c := range map[string]struct {
		file string
		kept int
	}{"memory": {"", 0}, "file": {filepath.Join(t.TempDir(), "db.json"), 3}} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, c.file)
			for i := range 3 {
				post(s, "ada", fmt.Sprint(i))
			}
			for i, m := range list(t, s) {
				if m.Text != fmt.Sprint(i) {
					t.Fatalf("message %d is %+v", i, m)
				}
			}
			if kept := len(list(t, newServer(t, c.file))); kept != c.kept {
				t.Fatalf("%d messages after a restart, want %d", kept, c.kept)
			}
		})
	}
}

func TestATornFileFailsMessagesButNotHealthAndIsNeverWritten(t *testing.T) {
	for name, torn := range map[string]string{"empty": "", "cut": written[:40]} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "db.json")
			if err := os.WriteFile(file, []byte(torn), 0o644); err != nil {
				t.Fatal(err)
			}
			s := newServer(t, file)
			if code := request(s, http.MethodGet, "/healthz", "").Code; code != http.StatusOK {
				t.Fatalf("/healthz: %d", code)
			}
			if code := request(s, http.MethodGet, "/messages", "").Code; code != http.StatusInternalServerError {
				t.Fatalf("GET: %d", code)
			}
			if code := post(s, "ada", "hello").Code; code != http.StatusBadRequest {
				t.Fatalf("POST: %d", code)
			}
			if now := content(t, file); now != torn {
				t.Fatalf("the torn file was changed to %q", now)
			}
			if err := os.WriteFile(file, []byte(written), 0o644); err != nil {
				t.Fatal(err)
			}
			if kept := len(list(t, s)); kept != 2 {
				t.Fatalf("%d messages after a repair from outside", kept)
			}
		})
	}
}

func TestASwearWordEndsTheProcessBeforeItIsSaved(t *testing.T) {
	s := newServer(t, "")
	ended := 0
	s.exit = func(code int) { ended += code }
	for _, text := range []string{"Oh, HECK!", "darn", "fetch", "check"} {
		post(s, "ada", text)
	}
	if ended != 4 || len(list(t, s)) != 0 {
		t.Fatal(ended, list(t, s))
	}
	post(s, "ada", "drat")
	if ended != 4 || len(list(t, s)) != 1 {
		t.Fatal(ended, list(t, s))
	}
}

func TestOnlyWhatIsNoJSONIsABadRequest(t *testing.T) {
	s := newServer(t, "")
	for body, want := range map[string]int{"": 400, "{": 400, "[]": 400, "{}": 201, `{"Text":"hello"}`: 201} {
		if code := request(s, http.MethodPost, "/messages", body).Code; code != want {
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
	for _, method := range []string{http.MethodOptions, http.MethodGet} {
		w := request(s, method, "/messages", "")
		if w.Code != http.StatusOK || w.Header().Get("Access-Control-Allow-Origin") != "*" {
			t.Error(method, w.Code, w.Header())
		}
	}
}

func TestStatsAsksTheCrawler(t *testing.T) {
	crawler := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if query := r.URL.RawQuery; query != "keywords=love%2Chate&title=Red" {
			t.Errorf("asked for %q", query)
		}
		_, _ = fmt.Fprint(w, `[{"Keyword": "love", "BookTitle": "Red", "Count": 3}, {"Count": 4}]`)
	}))
	defer crawler.Close()
	s := newServer(t, "")
	post(s, "ada", "/stats")
	s.crawlerURL = crawler.URL
	post(s, "ada", "/stats keywords=love,hate title=Red other=1")
	messages := list(t, s)
	if len(messages) != 4 || messages[1] != (message{"crawler-bot", "Crawler worker not configured"}) {
		t.Fatal(messages)
	}
	if reply := messages[3]; reply.AuthorUsername != "crawler-bot" || !strings.Contains(reply.Text, " 7 matches ") {
		t.Fatal(reply)
	}
	crawler.Close()
	if code := post(s, "ada", "/stats").Code; code != http.StatusBadRequest || len(list(t, s)) != 5 {
		t.Fatalf("%d: with the crawler away the message is saved, and its answer is an error", code)
	}
}
