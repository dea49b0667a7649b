// What a reader writes: a table, a session, and a server.
package main

import (
	"context"
	"log"
	"net/http"
	"os"
	"strings"
	"sync"

	"backend/media"
)

type table struct {
	sync.Mutex
	rows map[string]media.File
}

func (t *table) Add(_ context.Context, file media.File) error {
	t.Lock()
	defer t.Unlock()
	if _, known := t.rows[file.MediaID]; !known {
		t.rows[file.MediaID] = file
	}
	return nil
}

func (t *table) ByID(_ context.Context, mediaID string) (media.File, error) {
	t.Lock()
	defer t.Unlock()
	if file, ok := t.rows[mediaID]; ok {
		return file, nil
	}
	return media.File{}, media.ErrNoFile
}

func (t *table) ByKey(_ context.Context, key string) (media.File, error) {
	t.Lock()
	defer t.Unlock()
	for _, file := range t.rows {
		if file.Key == key {
			return file, nil
		}
	}
	return media.File{}, media.ErrNoFile
}

func (t *table) Commit(_ context.Context, mediaID string) error {
	t.Lock()
	defer t.Unlock()
	if file := t.rows[mediaID]; file.Status == "pending" {
		file.Status = "committed"
		t.rows[mediaID] = file
	}
	return nil
}

func (t *table) Remove(_ context.Context, mediaID string) error {
	t.Lock()
	defer t.Unlock()
	file := t.rows[mediaID]
	file.Status = "removed"
	t.rows[mediaID] = file
	return nil
}

func (t *table) Sees(_ context.Context, viewer media.User, file media.File) (bool, error) {
	return viewer.ID == file.Owner.ID || viewer.ID == "friend", nil
}

func currentUser(r *http.Request) (media.User, bool) {
	id, tenant, _ := strings.Cut(r.Header.Get("X-Test-User"), ":")
	return media.User{ID: id, Tenant: tenant}, id != ""
}

func main() {
	handler, err := media.New(&table{rows: map[string]media.File{}}, currentUser)
	if err != nil {
		log.Fatal(err)
	}
	http.Handle("/api/media/", handler)
	http.HandleFunc("/up", func(http.ResponseWriter, *http.Request) {})
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))
}
