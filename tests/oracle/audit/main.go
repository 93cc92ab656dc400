// Command audit says what the API server's own audit policy decides (k8s.io/apiserver/pkg/audit/policy).
//
// It reads one JSON object a line, {"policy": text of a Policy, "requests": [...]}, and answers each with one line: a list of [level, [omitted stages,
// sorted]] for the requests, or null for a policy that the API server would not load. A request without a resource is one for a path.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"sort"

	"k8s.io/apiserver/pkg/audit/policy"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
)

type request struct {
	User        string   `json:"user"`
	Groups      []string `json:"groups"`
	Verb        string   `json:"verb"`
	Group       string   `json:"group"`
	Resource    string   `json:"resource"`
	Subresource string   `json:"subresource"`
	Namespace   string   `json:"namespace"`
	Name        string   `json:"name"`
	Path        string   `json:"path"`
}

type question struct {
	Policy   string    `json:"policy"`
	Requests []request `json:"requests"`
}

func answer(q question) [][]any {
	loaded, err := policy.LoadPolicyFromBytes([]byte(q.Policy))
	if err != nil {
		return nil
	}
	evaluator := policy.NewPolicyRuleEvaluator(loaded)
	decisions := [][]any{}
	for _, r := range q.Requests {
		config := evaluator.EvaluatePolicyRule(authorizer.AttributesRecord{
			User: &user.DefaultInfo{Name: r.User, Groups: r.Groups}, Verb: r.Verb, APIGroup: r.Group, Resource: r.Resource, Subresource: r.Subresource,
			Namespace: r.Namespace, Name: r.Name, Path: r.Path, ResourceRequest: r.Resource != "",
		})
		stages := []string{}
		for _, stage := range config.OmitStages {
			stages = append(stages, string(stage))
		}
		sort.Strings(stages)
		decisions = append(decisions, []any{string(config.Level), stages})
	}
	return decisions
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 1<<20), 1<<26)
	for lines.Scan() {
		var q question
		if err := json.Unmarshal(lines.Bytes(), &q); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		line, _ := json.Marshal(answer(q))
		fmt.Println(string(line))
	}
}
