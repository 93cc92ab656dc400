// Command values says how Kubernetes and the container runtimes read two kinds of text: quantities (k8s.io/apimachinery) and image references
// (github.com/distribution/reference).
//
// It reads one JSON string a line and answers each with one line. "values quantity" answers the number in decimal; "values reference" answers
// [domain, path, tag, digest] of the normalised reference. Both answer null for what they refuse.
package main

import (
	"bufio"
	_ "crypto/sha256"
	_ "crypto/sha512"
	"encoding/json"
	"os"

	"github.com/distribution/reference"
	"k8s.io/apimachinery/pkg/api/resource"
)

func quantity(text string) any {
	value, err := resource.ParseQuantity(text)
	if err != nil {
		return nil
	}
	return value.AsDec().String()
}

func image(text string) any {
	named, err := reference.ParseNormalizedNamed(text)
	if err != nil {
		return nil
	}
	tag, digest := "", ""
	if tagged, ok := named.(reference.Tagged); ok {
		tag = tagged.Tag()
	}
	if digested, ok := named.(reference.Digested); ok {
		digest = digested.Digest().String()
	}
	return []string{reference.Domain(named), reference.Path(named), tag, digest}
}

func main() {
	answer := map[string]func(string) any{"quantity": quantity, "reference": image}[os.Args[1]]
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	encoder := json.NewEncoder(out)
	for lines.Scan() {
		var text string
		if err := json.Unmarshal(lines.Bytes(), &text); err != nil {
			panic(err)
		}
		if err := encoder.Encode(answer(text)); err != nil {
			panic(err)
		}
	}
}
