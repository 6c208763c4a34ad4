// Command crawler stands in for bootdotdev/synergychat-crawler, which counts keywords in books of Project Gutenberg.
// It has no internet to read from, so it carries a few short texts of its own.
package main

import (
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

const interval = 30 * time.Second

func main() {
	port := os.Getenv("CRAWLER_PORT")
	if port == "" {
		log.Fatal("CRAWLER_PORT environment variable is not set")
	}
	keywords := splitKeywords(os.Getenv("CRAWLER_KEYWORDS"))
	if len(keywords) == 0 {
		log.Fatal("CRAWLER_KEYWORDS environment variable is not set")
	}
	dbPath := os.Getenv("CRAWLER_DB_PATH")
	db, err := openDatabase(dbPath)
	if err != nil {
		log.Fatalf("cannot open the database: %v", err)
	}
	if dbPath == "" {
		log.Println("CRAWLER_DB_PATH not found. Using in-memory database")
	} else {
		log.Println("CRAWLER_DB_PATH found! Using filesystem database")
	}
	// Before the first book, so that a process that cannot serve does not crawl either.
	listener, err := net.Listen("tcp", ":"+port)
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("Serving on port: %s", port)
	go (&crawler{db: db, books: carriedBooks(), keywords: keywords}).run()
	log.Fatal(http.Serve(listener, handler(db, keywords)))
}

func handler(db database, keywords []string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, "OK")
	})
	mux.HandleFunc("GET /stats", func(w http.ResponseWriter, r *http.Request) {
		results, err := db.all()
		if err != nil {
			log.Printf("Couldn't read the database: %v", err)
			http.Error(w, "Couldn't read the database", http.StatusInternalServerError)
			return
		}
		asked := splitKeywords(r.URL.Query().Get("keywords"))
		if len(asked) == 0 {
			asked = keywords
		}
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(sum(results, asked, r.URL.Query().Get("title"))); err != nil {
			log.Printf("Couldn't send the answer: %v", err)
		}
	})
	return mux
}

type stats struct {
	Books    int
	Keywords map[string]int
}

// A keyword that no book was searched for is left out: 0 would be a claim that nobody checked.
func sum(results []result, keywords []string, title string) stats {
	total := stats{Keywords: map[string]int{}}
	for _, book := range results {
		if !strings.Contains(strings.ToLower(book.Title), strings.ToLower(title)) {
			continue
		}
		total.Books++
		for _, keyword := range keywords {
			if n, counted := book.Keywords[keyword]; counted {
				total.Keywords[keyword] += n
			}
		}
	}
	return total
}

func splitKeywords(list string) []string {
	keywords := []string{}
	for keyword := range strings.SplitSeq(list, ",") {
		if keyword = strings.ToLower(strings.TrimSpace(keyword)); keyword != "" {
			keywords = append(keywords, keyword)
		}
	}
	return keywords
}
