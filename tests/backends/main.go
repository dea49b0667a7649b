// What a reader writes: a table, a session, and a server.
package main

import (
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

func (t *table) Add(file media.File) error {
	t.Lock()
	defer t.Unlock()
	t.rows[file.MediaID] = file
	return nil
}

func (t *table) ByID(mediaID string) (media.File, bool) {
	t.Lock()
	defer t.Unlock()
	file, ok := t.rows[mediaID]
	return file, ok
}

func (t *table) ByKey(key string) (media.File, bool) {
	t.Lock()
	defer t.Unlock()
	for _, file := range t.rows {
		if file.Key == key {
			return file, true
		}
	}
	return media.File{}, false
}

func (t *table) SetStatus(mediaID, status string) error {
	t.Lock()
	defer t.Unlock()
	file := t.rows[mediaID]
	file.Status = status
	t.rows[mediaID] = file
	return nil
}

func (t *table) Sees(viewer media.User, file media.File) bool {
	return viewer.ID == file.Owner.ID || viewer.ID == "friend"
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
