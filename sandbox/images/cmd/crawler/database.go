package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

type result struct {
	Title    string
	Keywords map[string]int
}

type database interface {
	has(id string) bool
	// add is false when another crawler was there first.
	add(id string, r result) (bool, error)
	all() ([]result, error)
}

func openDatabase(folder string) (database, error) {
	if folder == "" {
		return &memory{results: map[string]result{}}, nil
	}
	return directory(folder), os.MkdirAll(folder, 0o755)
}

type memory struct {
	mu      sync.Mutex
	results map[string]result
}

func (m *memory) has(id string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, found := m.results[id]
	return found
}

func (m *memory) add(id string, r result) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, found := m.results[id]; found {
		return false, nil
	}
	m.results[id] = r
	return true, nil
}

func (m *memory) all() ([]result, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Collect(maps.Values(m.results)), nil
}

// A directory holds one file for each book, and several processes may share it.
type directory string

func (d directory) file(id string) string { return filepath.Join(string(d), id+".json") }

func (d directory) has(id string) bool {
	_, err := os.Stat(d.file(id))
	return err == nil
}

func (d directory) add(id string, r result) (bool, error) {
	data, err := json.Marshal(r)
	if err != nil {
		return false, err
	}
	part, err := os.CreateTemp(string(d), id+".*.part")
	if err != nil {
		return false, err
	}
	defer func() { _ = os.Remove(part.Name()) }()
	_, err = part.Write(data)
	// CreateTemp lets only its own user read, but a crawler that shares the folder may run as another.
	if err := errors.Join(err, part.Chmod(0o644), part.Close()); err != nil {
		return false, err
	}
	// A link, unlike a rename, fails where the file exists: of several crawlers exactly one adds the book.
	err = os.Link(part.Name(), d.file(id))
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	return err == nil, err
}

func (d directory) all() ([]result, error) {
	files, err := filepath.Glob(d.file("*"))
	if err != nil {
		return nil, err
	}
	var results []result
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var r result
		if err := json.Unmarshal(data, &r); err != nil {
			return nil, err
		}
		results = append(results, r)
	}
	return results, nil
}
