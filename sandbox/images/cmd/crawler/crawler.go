package main

import (
	"embed"
	"log"
	"path"
	"strings"
	"time"
	"unicode"
)

//go:embed books/*.txt
var bookFiles embed.FS

type book struct {
	id    string
	title string
	text  string
}

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
		books = append(books, book{strings.TrimSuffix(entry.Name(), ".txt"), title, text})
	}
	return books
}

type crawler struct {
	db       database
	books    []book
	keywords []string
}

func (c *crawler) run() {
	idle := false
	for ; ; time.Sleep(interval) {
		found, err := c.crawlNext()
		if err != nil {
			log.Printf("Couldn't crawl: %v", err)
		} else if !found && !idle {
			log.Printf("All %d books are crawled", len(c.books))
		}
		idle = err == nil && !found
	}
}

// crawlNext takes the first book that neither this process nor one that shares its database has done.
func (c *crawler) crawlNext() (bool, error) {
	for _, b := range c.books {
		if c.db.has(b.id) {
			continue
		}
		r := result{b.title, count(b.text, c.keywords)}
		added, err := c.db.add(b.id, r)
		if err != nil {
			return false, err
		}
		if added {
			log.Printf("Crawled %q: %v", r.Title, r.Keywords)
			return true, nil
		}
	}
	return false, nil
}

func count(text string, keywords []string) map[string]int {
	counts := map[string]int{}
	for _, keyword := range keywords {
		counts[keyword] = 0
	}
	for _, word := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) }) {
		if _, wanted := counts[word]; wanted {
			counts[word]++
		}
	}
	return counts
}
