package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestLinesAreCountedInAnyCaseAndInsideOfWords(t *testing.T) {
	got := countLines("Love, LOVE!\nLovers\nhate-love.\n", []string{"love", "hate", "joy"})
	if want := map[string]int{"love": 3, "hate": 1}; !maps.Equal(got, want) {
		t.Fatal(got)
	}
}

func TestTheCarriedBooksHoldTheChaptersKeywords(t *testing.T) {
	keywords := strings.Split("love,hate,joy,sadness,anger,disgust,fear,surprise", ",")
	found := map[string]int{}
	for _, b := range carriedBooks() {
		if b.title == "" || b.text == "" {
			t.Errorf("%+v has no title or no text", b)
		}
		maps.Copy(found, countLines(b.text, keywords))
	}
	for _, keyword := range keywords {
		if found[keyword] == 0 {
			t.Errorf("no book holds %q", keyword)
		}
	}
}

func TestTheFolderHoldsAFileForEachMatch(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "cache", "db")
	db, err := openDatabase(folder)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := db.save(match{"love", "Night, and Day", 3}); err != nil {
			t.Fatal(err)
		}
	}
	files, _ := os.ReadDir(folder)
	data, err := os.ReadFile(filepath.Join(folder, "love.nightandday.json"))
	if err != nil || len(files) != 1 || string(data) != `{"Keyword":"love","BookTitle":"Night, and Day","Count":3}` {
		t.Fatal(files, string(data), err)
	}
}

func TestStatsAreSortedByCount(t *testing.T) {
	for name, folder := range map[string]string{"memory": "", "folder": t.TempDir()} {
		t.Run(name, func(t *testing.T) {
			db, err := openDatabase(folder)
			if err != nil {
				t.Fatal(err)
			}
			if body := get(db, "/stats").Body.String(); body != "[]" {
				t.Fatalf("no matches are %q", body)
			}
			red, blue, hate := match{"love", "Red", 2}, match{"love", "Blue", 1}, match{"hate", "Blue", 3}
			for _, m := range []match{red, blue, hate} {
				if err := db.save(m); err != nil {
					t.Fatal(err)
				}
			}
			for query, want := range map[string][]match{
				"":                         {blue, red, hate},
				"?keywords=love,joy":       {blue, red},
				"?title=RED":               {red},
				"?keywords=hate&title=red": {},
			} {
				var got []match
				if err := json.Unmarshal(get(db, "/stats"+query).Body.Bytes(), &got); err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(got, want) {
					t.Errorf("%q: %+v", query, got)
				}
			}
		})
	}
}

func TestPaths(t *testing.T) {
	db, _ := openDatabase("")
	for path, want := range map[string]int{"/healthz": 200, "/stats": 200, "/": 404} {
		if got := get(db, path).Code; got != want {
			t.Errorf("%s: %d", path, got)
		}
	}
}

func get(db database, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	handler(db).ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}
