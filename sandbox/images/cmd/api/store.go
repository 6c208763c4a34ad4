package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

type message struct {
	AuthorUsername string
	Text           string
}

type store struct {
	file     string // If empty, the messages are in memory only.
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
	// An existing file stays as it is: the first request finds out that it is torn.
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		return s, err
	}
	return s, os.WriteFile(file, []byte("[]"), 0o644)
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
	err = json.Unmarshal(data, &messages)
	return messages, err
}

// add has two faults of the original. It gives up the lock between the read and the write, so that of two messages at
// once one can be lost. And os.WriteFile empties the file first, so that a kill in that instant leaves it empty or cut.
func (s *store) add(m message) error {
	messages, err := s.read()
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == "" {
		s.inMemory = append(s.inMemory, m)
		return nil
	}
	data, err := json.MarshalIndent(append(messages, m), "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(s.file, data, 0o644)
}
