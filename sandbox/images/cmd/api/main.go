// Command api stands in for bootdotdev/synergychat-api, a JSON API that keeps all messages in one file. It has the same
// faults as the original on purpose: the stack must be safe with a program that is not.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"os"
	"strings"
)

const crawlerBot = "crawler-bot"

type server struct {
	store      *store
	crawlerURL string
	exit       func(code int)
}

func main() {
	port := os.Getenv("API_PORT")
	if port == "" {
		log.Fatal("No API_PORT found in environment")
	}
	file := os.Getenv("API_DB_FILEPATH")
	if file == "" {
		log.Println("No API_DB_FILEPATH found in environment, using in-memory database")
	} else {
		log.Println("API_DB_FILEPATH found! Using filesystem database")
	}
	messages, err := openStore(file)
	if err != nil {
		log.Fatal("Couldn't initialize database: ", err)
	}
	s := &server{store: messages, crawlerURL: os.Getenv("CRAWLER_BASE_URL"), exit: os.Exit}
	log.Printf("Serving on: http://localhost:%s", port)
	log.Fatal(http.ListenAndServe(":"+port, s.handler()))
}

func (s *server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		respond(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("GET /messages", func(w http.ResponseWriter, _ *http.Request) { s.list(w, http.StatusOK) })
	mux.HandleFunc("POST /messages", s.create)
	return allowAnyOrigin(mux)
}

// The page comes from another host name than the api, so a browser refuses the answers without these headers.
func allowAnyOrigin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		if r.Method == http.MethodOptions {
			w.Header().Set("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE, OPTIONS")
			w.Header().Set("Access-Control-Allow-Headers", "*")
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *server) list(w http.ResponseWriter, status int) {
	messages, err := s.store.read()
	if err != nil {
		respondError(w, http.StatusInternalServerError, err)
		return
	}
	respond(w, status, messages)
}

// The order of the checks is the original's, and so are the status codes: a file that cannot be read is a 400 here.
func (s *server) create(w http.ResponseWriter, r *http.Request) {
	var m message
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		respondError(w, http.StatusBadRequest, fmt.Errorf("error decoding JSON: %w", err))
		return
	}
	if isProfane(m.Text) {
		log.Println("Profanity detected!!!")
		s.exit(1)
		return
	}
	if err := s.store.add(m); err != nil {
		respondError(w, http.StatusBadRequest, fmt.Errorf("error creating message: %w", err))
		return
	}
	if err := s.answer(m.Text); err != nil {
		respondError(w, http.StatusBadRequest, fmt.Errorf("error handling slash command: %w", err))
		return
	}
	s.list(w, http.StatusCreated)
}

// A word counts inside of other words, too: "check" ends the process.
func isProfane(text string) bool {
	lowered := strings.ToLower(text)
	for _, word := range []string{"darn", "heck", "fetch"} {
		if strings.Contains(lowered, word) {
			return true
		}
	}
	return false
}

// answer adds the crawler's counts below a message such as "/stats keywords=love,hate title=Frankenstein".
func (s *server) answer(text string) error {
	if !strings.HasPrefix(text, "/stats") {
		return nil
	}
	if s.crawlerURL == "" {
		return s.store.add(message{crawlerBot, "Crawler worker not configured"})
	}
	address, err := url.Parse(s.crawlerURL + "/stats")
	if err != nil {
		return err
	}
	query := address.Query()
	for _, part := range strings.Split(text, " ") {
		if name, value, found := strings.Cut(part, "="); found && (name == "keywords" || name == "title") {
			query.Set(name, value)
		}
	}
	address.RawQuery = query.Encode()
	total, err := countMatches(address.String())
	if err != nil {
		return err
	}
	reply := "Beep boop! I have found %d matches so far in books matching your request. Your raw query to me was: %s"
	return s.store.add(message{crawlerBot, fmt.Sprintf(reply, total, address)})
}

func countMatches(address string) (int, error) {
	response, err := http.Get(address)
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	var matches []struct{ Count int }
	if err := json.NewDecoder(response.Body).Decode(&matches); err != nil {
		return 0, err
	}
	total := 0
	for _, match := range matches {
		total += match.Count
	}
	return total, nil
}

func respondError(w http.ResponseWriter, status int, err error) {
	respond(w, status, map[string]string{"error": err.Error()})
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
