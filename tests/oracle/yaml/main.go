// Command yaml says what Kubernetes reads out of a YAML document: sigs.k8s.io/yaml, the library of kubectl and of the API server's clients.
//
// It reads one JSON object a line, {"text": ...}, and answers each with one line: {"json": ...} or {"error": ...}. A document on which the library
// panics is an error as well.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"sigs.k8s.io/yaml"
)

type question struct {
	Text string `json:"text"`
}

type answer struct {
	JSON  json.RawMessage `json:"json,omitempty"`
	Error string          `json:"error,omitempty"`
}

func ask(line []byte) (reply answer) {
	defer func() {
		if problem := recover(); problem != nil {
			reply = answer{Error: fmt.Sprint("panic: ", problem)}
		}
	}()
	var asked question
	if err := json.Unmarshal(line, &asked); err != nil {
		return answer{Error: "not a question: " + err.Error()}
	}
	value, err := yaml.YAMLToJSON([]byte(asked.Text))
	if err != nil {
		return answer{Error: err.Error()}
	}
	return answer{JSON: value}
}

func main() {
	lines := bufio.NewReaderSize(os.Stdin, 1<<20)
	replies := bufio.NewWriter(os.Stdout)
	encoder := json.NewEncoder(replies)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			if err := encoder.Encode(ask(line)); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			replies.Flush()
		}
		if err != nil {
			return
		}
	}
}
