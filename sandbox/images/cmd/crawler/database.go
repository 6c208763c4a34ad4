package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"unicode"
)

type match struct {
	Keyword   string
	BookTitle string
	Count     int
}

// fileName names a match: the keyword, and the title without spaces and punctuation.
func (m match) fileName() string {
	title := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.IsPunct(r) {
			return -1
		}
		return r
	}, strings.ToLower(m.BookTitle))
	return m.Keyword + "." + title + ".json"
}

type database interface {
	save(m match) error
	all() ([]match, error)
}

func openDatabase(folder string) (database, error) {
	if folder == "" {
		return &memory{matches: map[string]match{}}, nil
	}
	return directory(folder), os.MkdirAll(folder, 0o755)
}

type memory struct {
	mu      sync.Mutex
	matches map[string]match
}

func (d *memory) save(m match) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.matches[m.fileName()] = m
	return nil
}

func (d *memory) all() ([]match, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Collect(maps.Values(d.matches)), nil
}

// A directory holds a file for each match. The crawler's containers share it.
type directory string

func (d directory) save(m match) error {
	data, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(string(d), m.fileName()), data, 0o755)
}

func (d directory) all() ([]match, error) {
	entries, err := os.ReadDir(string(d))
	if err != nil {
		return nil, err
	}
	var matches []match
	for _, entry := range entries {
		data, err := os.ReadFile(filepath.Join(string(d), entry.Name()))
		if err != nil {
			return nil, err
		}
		var m match
		if err := json.Unmarshal(data, &m); err != nil {
			return nil, err
		}
		matches = append(matches, m)
	}
	return matches, nil
}
