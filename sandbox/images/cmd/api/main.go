// Command api stands in for bootdotdev/synergychat-api: a JSON API that keeps the messages in one file. Its faults are
// those of the original, on purpose: the stack around it has to be safe with a program that is not.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Mild ones, so that a test or a demonstration can be shown to anyone.
var swearWords = []string{"blimey", "crikey", "darn", "drat", "heck"}

// Long enough that two requests at once meet in it on any machine, short enough that nobody notices it.
const readWriteGap = 5 * time.Millisecond

const maxBody = 1 << 20

type server struct {
	store      *store
	crawlerURL string
	gap        time.Duration
	exit       func(code int)
}

func main() {
	port := os.Getenv("API_PORT")
	if port == "" {
		log.Fatal("API_PORT environment variable is not set")
	}
	dbFile := os.Getenv("API_DB_FILEPATH")
	if dbFile == "" {
		log.Println("API_DB_FILEPATH not found. Using in-memory database")
	} else {
		log.Println("API_DB_FILEPATH found! Using filesystem database")
	}
	st, err := openStore(dbFile)
	if err != nil {
		log.Fatalf("cannot open the database: %v", err)
	}
	s := &server{store: st, crawlerURL: os.Getenv("CRAWLER_BASE_URL"), gap: readWriteGap, exit: os.Exit}
	log.Printf("Serving on port: %s", port)
	log.Fatal(http.ListenAndServe(":"+port, s.handler()))
}

func (s *server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, "OK")
	})
	mux.HandleFunc("GET /messages", s.listMessages)
	mux.HandleFunc("POST /messages", s.createMessage)
	return allowAnyOrigin(mux)
}

// The page comes from another host name than the api, so without these headers no browser would let it in.
func allowAnyOrigin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Access-Control-Allow-Methods", "GET, POST, OPTIONS")
		h.Set("Access-Control-Allow-Headers", "Content-Type")
		if r.Method == http.MethodOptions {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *server) listMessages(w http.ResponseWriter, _ *http.Request) {
	messages, err := s.store.read()
	if err != nil {
		respondError(w, http.StatusInternalServerError, "Couldn't read messages", err)
		return
	}
	respond(w, http.StatusOK, messages)
}

func (s *server) createMessage(w http.ResponseWriter, r *http.Request) {
	var m message
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&m); err != nil {
		respondError(w, http.StatusBadRequest, "Couldn't decode message", err)
		return
	}
	if m.AuthorUsername == "" || m.Text == "" {
		respondError(w, http.StatusBadRequest, "Couldn't take message", errors.New("AuthorUsername or Text is empty"))
		return
	}
	if word := swearWord(m.Text); word != "" {
		log.Printf("%q is a swear word: this server does not put up with that and exits", word)
		s.exit(1)
		return
	}
	m.CreatedAt = time.Now().UTC()
	if err := s.append(m); err != nil {
		respondError(w, http.StatusInternalServerError, "Couldn't save message", err)
		return
	}
	if reply, ok := s.answer(m.Text); ok {
		if err := s.append(reply); err != nil {
			log.Printf("Couldn't save the crawler's answer: %v", err)
		}
	}
	respond(w, http.StatusCreated, m)
}

// Like the original, the lock covers the read and the write but not the time between: two messages at once can both be
// added to the same old list, and the one written first is lost.
func (s *server) append(m message) error {
	messages, err := s.store.read()
	if err != nil {
		return err
	}
	time.Sleep(s.gap)
	return s.store.write(append(messages, m))
}

// answer turns «/stats love,hate» into a message with the crawler's counts.
func (s *server) answer(text string) (message, bool) {
	words := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
	if len(words) == 0 || words[0] != "/stats" {
		return message{}, false
	}
	stats, err := s.askCrawler(words[1:])
	if err != nil {
		log.Printf("Couldn't ask the crawler: %v", err)
		stats = "The crawler cannot be reached."
	}
	return message{AuthorUsername: "Crawler Bot", Text: stats, CreatedAt: time.Now().UTC()}, true
}

func (s *server) askCrawler(keywords []string) (string, error) {
	client := http.Client{Timeout: 5 * time.Second}
	query := url.Values{"keywords": {strings.Join(keywords, ",")}}
	res, err := client.Get(strings.TrimSuffix(s.crawlerURL, "/") + "/stats?" + query.Encode())
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return "", errors.New(res.Status)
	}
	var stats struct {
		Books    int
		Keywords map[string]int
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, maxBody)).Decode(&stats); err != nil {
		return "", err
	}
	text := fmt.Sprintf("Books: %d", stats.Books)
	for _, keyword := range slices.Sorted(maps.Keys(stats.Keywords)) {
		text += fmt.Sprintf(", %s: %d", keyword, stats.Keywords[keyword])
	}
	return text, nil
}

// Whole words only: "check" holds no swear word.
func swearWord(text string) string {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) })
	for _, word := range words {
		for _, swear := range swearWords {
			if word == swear {
				return word
			}
		}
	}
	return ""
}

func respond(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		log.Printf("Couldn't send the answer: %v", err)
	}
}

// The reason goes to the log only: it names paths, which tell a person who runs the server something and a stranger too much.
func respondError(w http.ResponseWriter, status int, text string, reason error) {
	log.Printf("%s: %v", text, reason)
	respond(w, status, map[string]string{"error": text})
}
