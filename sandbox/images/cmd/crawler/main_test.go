package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func TestCountTakesWholeWordsInAnyCase(t *testing.T) {
	got := count("Love, LOVE! Lovers beloved; hate-love.", []string{"love", "hate", "joy"})
	if want := map[string]int{"love": 3, "hate": 1, "joy": 0}; !maps.Equal(got, want) {
		t.Fatalf("%v", got)
	}
}

func TestTheCarriedBooksHoldTheChaptersKeywords(t *testing.T) {
	total := map[string]int{}
	for _, b := range carriedBooks() {
		if b.title == "" || b.text == "" {
			t.Errorf("%s has no title or no text", b.id)
		}
		for keyword, n := range count(b.text, splitKeywords("love,hate,joy,sadness,anger,disgust,fear,surprise")) {
			total[keyword] += n
		}
	}
	for keyword, n := range total {
		if n == 0 {
			t.Errorf("no book holds %q", keyword)
		}
	}
}

func TestCrawlersThatShareAFolderDoEachBookOnce(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "cache", "db")
	books := carriedBooks()
	var mu sync.Mutex
	done := 0
	var three sync.WaitGroup
	for range 3 {
		db, err := openDatabase(folder)
		if err != nil {
			t.Fatal(err)
		}
		c := &crawler{db, books, []string{"love"}}
		three.Go(func() {
			for {
				found, err := c.crawlNext()
				if err != nil {
					t.Error(err)
				}
				if !found {
					return
				}
				mu.Lock()
				done++
				mu.Unlock()
			}
		})
	}
	three.Wait()
	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	if done != len(books) || len(files) != len(books) {
		t.Fatalf("%d crawled, %d files, %d books", done, len(files), len(books))
	}
}

func TestStats(t *testing.T) {
	for name, folder := range map[string]string{"memory": "", "folder": t.TempDir()} {
		t.Run(name, func(t *testing.T) {
			db, err := openDatabase(folder)
			if err != nil {
				t.Fatal(err)
			}
			c := &crawler{db, []book{{"1", "Red", "love love"}, {"2", "Blue", "love hate"}}, []string{"love", "hate"}}
			for range c.books {
				if _, err := c.crawlNext(); err != nil {
					t.Fatal(err)
				}
			}
			for query, want := range map[string]stats{
				"":                              {2, map[string]int{"love": 3, "hate": 1}},
				"?keywords=love":                {2, map[string]int{"love": 3}},
				"?keywords=Love,%20other":       {2, map[string]int{"love": 3}},
				"?title=red":                    {1, map[string]int{"love": 2, "hate": 0}},
				"?keywords=hate&title=no+such+": {0, map[string]int{}},
			} {
				var got stats
				w := get(c, "/stats"+query)
				if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
					t.Fatal(err)
				}
				if got.Books != want.Books || !maps.Equal(got.Keywords, want.Keywords) {
					t.Errorf("%q: %+v", query, got)
				}
			}
		})
	}
}

func TestPaths(t *testing.T) {
	db, _ := openDatabase("")
	c := &crawler{db: db}
	for path, want := range map[string]int{"/healthz": 200, "/stats": 200, "/": 404} {
		if got := get(c, path).Code; got != want {
			t.Errorf("%s: %d", path, got)
		}
	}
}

func get(c *crawler, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	handler(c.db, c.keywords).ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}
