// Command crawler stands in for bootdotdev/synergychat-crawler, which counts keywords in books of Project Gutenberg. The
// sandbox has no internet, so this one carries a few short texts.
package main

import (
	"embed"
	"encoding/json"
	"log"
	"math/rand/v2"
	"net/http"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

const timeBetweenBooks = 30 * time.Second

func main() {
	keywords := os.Getenv("CRAWLER_KEYWORDS")
	if keywords == "" {
		log.Fatal("No CRAWLER_KEYWORDS found in environment")
	}
	port := os.Getenv("CRAWLER_PORT")
	if port == "" {
		log.Fatal("No CRAWLER_PORT found in environment")
	}
	folder := os.Getenv("CRAWLER_DB_PATH")
	if folder == "" {
		log.Println("No CRAWLER_DB_PATH found in environment, using in-memory database")
	} else {
		log.Println("CRAWLER_DB_PATH found! Using filesystem database")
	}
	db, err := openDatabase(folder)
	if err != nil {
		log.Fatal("Couldn't initialize database: ", err)
	}
	go crawl(db, strings.Split(keywords, ","))
	log.Printf("Serving on: http://localhost:%s", port)
	log.Fatal(http.ListenAndServe(":"+port, handler(db)))
}

// crawl begins anywhere, as the original does with a random page of the catalogue.
func crawl(db database, keywords []string) {
	books := carriedBooks()
	rand.Shuffle(len(books), func(i, j int) { books[i], books[j] = books[j], books[i] })
	for _, b := range books {
		log.Println("Checking book", b.title)
		for keyword, count := range countLines(b.text, keywords) {
			if err := db.save(match{keyword, b.title, count}); err != nil {
				log.Printf("Error saving count for %v: %v", b.title, err)
			}
		}
		time.Sleep(timeBetweenBooks)
	}
}

// countLines counts the lines that hold a keyword. A keyword that no line holds is left out.
func countLines(text string, keywords []string) map[string]int {
	counts := map[string]int{}
	for line := range strings.SplitSeq(strings.ToLower(text), "\n") {
		for _, keyword := range keywords {
			if strings.Contains(line, strings.ToLower(keyword)) {
				counts[keyword]++
			}
		}
	}
	return counts
}

//go:embed books/*.txt
var bookFiles embed.FS

type book struct{ title, text string }

// The first line of a book is its title.
func carriedBooks() []book {
	entries, err := bookFiles.ReadDir("books")
	if err != nil {
		log.Fatal(err)
	}
	var books []book
	for _, entry := range entries {
		content, err := bookFiles.ReadFile(path.Join("books", entry.Name()))
		if err != nil {
			log.Fatal(err)
		}
		title, text, _ := strings.Cut(string(content), "\n")
		books = append(books, book{title, text})
	}
	return books
}

func handler(db database) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		respond(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("GET /stats", func(w http.ResponseWriter, r *http.Request) {
		matches, err := db.all()
		if err != nil {
			respond(w, http.StatusInternalServerError, map[string]string{"error": err.Error()})
			return
		}
		query := r.URL.Query()
		respond(w, http.StatusOK, sorted(matches, query.Get("keywords"), query.Get("title")))
	})
	return mux
}

// sorted keeps the matches of these keywords (all, if empty) in books with a title that holds this text.
func sorted(matches []match, keywords, title string) []match {
	kept := []match{}
	for _, m := range matches {
		isWanted := keywords == "" || slices.Contains(strings.Split(keywords, ","), m.Keyword)
		if isWanted && strings.Contains(strings.ToLower(m.BookTitle), strings.ToLower(title)) {
			kept = append(kept, m)
		}
	}
	slices.SortFunc(kept, func(a, b match) int { return a.Count - b.Count })
	return kept
}

func respond(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	data, err := json.MarshalIndent(body, "", "  ")
	if err != nil {
		log.Printf("Error marshalling JSON: %v", err)
		status = http.StatusInternalServerError
	}
	w.WriteHeader(status)
	_, _ = w.Write(data)
}
