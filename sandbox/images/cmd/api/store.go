package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

type message struct {
	AuthorUsername string
	Text           string
	CreatedAt      time.Time
}

type store struct {
	file     string // empty: memory only
	mu       sync.Mutex
	inMemory []message
}

func openStore(file string) (*store, error) {
	s := &store{file: file, inMemory: []message{}}
	if file == "" {
		return s, nil
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return nil, err
	}
	// An existing file stays as it is, whatever it holds: a torn one is found by the first request, not here.
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		return s, err
	}
	return s, s.write([]message{})
}

func (s *store) read() ([]message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == "" {
		return slices.Clone(s.inMemory), nil
	}
	data, err := os.ReadFile(s.file)
	if err != nil {
		return nil, err
	}
	messages := []message{}
	if err := json.Unmarshal(data, &messages); err != nil {
		return nil, fmt.Errorf("the database is not valid JSON: %w", err)
	}
	return messages, nil
}

// Not atomic, on purpose: os.WriteFile empties the file first, so a kill in that instant leaves it empty or cut.
func (s *store) write(messages []message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == "" {
		s.inMemory = messages
		return nil
	}
	data, err := json.Marshal(messages)
	if err != nil {
		return err
	}
	return os.WriteFile(s.file, data, 0o644)
}
