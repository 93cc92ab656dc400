// Command psa says what Kubernetes' Pod Security admission decides: the checks of k8s.io/pod-security-admission on real API types.
//
// It reads one JSON object a line, {"level": ..., "version": ..., "object": {...}}, the object being a Pod or one of the workloads that admission
// looks into, and answers each with one line: {"allowed": ..., "failed": [names of checks]}, or {"error": ...} for an object that the API server
// could not decode. The pod is judged as admission gets to see it, after the API server's defaulting; {"raw": true} leaves that out.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"sort"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	kubejson "sigs.k8s.io/json"
)

type question struct {
	Level   string          `json:"level"`
	Version string          `json:"version"`
	Object  json.RawMessage `json:"object"`
	Raw     bool            `json:"raw"`
}

type answer struct {
	Allowed bool     `json:"allowed"`
	Failed  []string `json:"failed"`
	Error   string   `json:"error,omitempty"`
}

// newEvaluator is the evaluator of the admission plugin, with results that carry the name of their check as the reason.
func newEvaluator() (policy.Evaluator, error) {
	checks := policy.DefaultChecks()
	for _, check := range checks {
		for i := range check.Versions {
			judge, name := check.Versions[i].CheckPod, string(check.ID)
			check.Versions[i].CheckPod = func(metadata *metav1.ObjectMeta, spec *corev1.PodSpec) policy.CheckResult {
				result := judge(metadata, spec)
				result.ForbiddenReason = name
				return result
			}
		}
	}
	return policy.NewEvaluator(checks, nil)
}

// decode reads an object as strictly as the API server does with fieldValidation=Strict, which is what kubectl asks for.
func decode(data []byte) (*metav1.ObjectMeta, *corev1.PodSpec, error) {
	var kind metav1.TypeMeta
	if err := json.Unmarshal(data, &kind); err != nil {
		return nil, nil, err
	}
	strictly := func(into any) error {
		problems, err := kubejson.UnmarshalStrict(data, into)
		if err == nil && len(problems) > 0 {
			err = problems[0]
		}
		return err
	}
	ofTemplate := func(template *corev1.PodTemplateSpec, err error) (*metav1.ObjectMeta, *corev1.PodSpec, error) {
		return &template.ObjectMeta, &template.Spec, err
	}
	switch kind.APIVersion + "/" + kind.Kind {
	case "v1/Pod":
		var object corev1.Pod
		err := strictly(&object)
		return &object.ObjectMeta, &object.Spec, err
	case "v1/PodTemplate":
		var object corev1.PodTemplate
		err := strictly(&object)
		return ofTemplate(&object.Template, err)
	case "v1/ReplicationController":
		object := corev1.ReplicationController{Spec: corev1.ReplicationControllerSpec{Template: &corev1.PodTemplateSpec{}}}
		err := strictly(&object)
		return ofTemplate(object.Spec.Template, err)
	case "apps/v1/Deployment":
		var object appsv1.Deployment
		err := strictly(&object)
		return ofTemplate(&object.Spec.Template, err)
	case "apps/v1/ReplicaSet":
		var object appsv1.ReplicaSet
		err := strictly(&object)
		return ofTemplate(&object.Spec.Template, err)
	case "apps/v1/StatefulSet":
		var object appsv1.StatefulSet
		err := strictly(&object)
		return ofTemplate(&object.Spec.Template, err)
	case "apps/v1/DaemonSet":
		var object appsv1.DaemonSet
		err := strictly(&object)
		return ofTemplate(&object.Spec.Template, err)
	case "batch/v1/Job":
		var object batchv1.Job
		err := strictly(&object)
		return ofTemplate(&object.Spec.Template, err)
	case "batch/v1/CronJob":
		var object batchv1.CronJob
		err := strictly(&object)
		return ofTemplate(&object.Spec.JobTemplate.Spec.Template, err)
	}
	return nil, nil, fmt.Errorf("no pod in a %s %s", kind.APIVersion, kind.Kind)
}

// setDefaults does what of the API server's defaulting touches a field that a check reads (k8s.io/kubernetes, pkg/apis/core/v1/defaults.go).
func setDefaults(spec *corev1.PodSpec, isPod bool) {
	for i := range spec.Volumes {
		if source := &spec.Volumes[i].VolumeSource; reflect.ValueOf(*source).IsZero() {
			source.EmptyDir = &corev1.EmptyDirVolumeSource{}
		}
	}
	for _, containers := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
		for i := range containers {
			if context := containers[i].SecurityContext; context != nil && context.ProcMount == nil {
				masked := corev1.DefaultProcMount
				context.ProcMount = &masked
			}
			for j := range containers[i].Ports {
				// In templates the API server no longer does so since 1.28 (feature DefaultHostNetworkHostPortsInPodTemplates).
				if port := &containers[i].Ports[j]; isPod && spec.HostNetwork && port.HostPort == 0 {
					port.HostPort = port.ContainerPort
				}
			}
		}
	}
}

func ask(evaluator policy.Evaluator, line []byte) answer {
	var asked question
	if err := json.Unmarshal(line, &asked); err != nil {
		return answer{Error: "not a question: " + err.Error()}
	}
	level, err := api.ParseLevel(asked.Level)
	if err != nil {
		return answer{Error: "level " + err.Error()}
	}
	version, err := api.ParseVersion(asked.Version)
	if err != nil {
		return answer{Error: "version " + err.Error()}
	}
	metadata, spec, err := decode(asked.Object)
	if err != nil {
		return answer{Error: err.Error()}
	}
	if !asked.Raw {
		var kind metav1.TypeMeta
		_ = json.Unmarshal(asked.Object, &kind) // decode has just done the same
		setDefaults(spec, kind.Kind == "Pod")
	}
	reply := answer{Allowed: true, Failed: []string{}}
	for _, result := range evaluator.EvaluatePod(api.LevelVersion{Level: level, Version: version}, metadata, spec) {
		if !result.Allowed {
			reply.Allowed = false
			reply.Failed = append(reply.Failed, result.ForbiddenReason)
		}
	}
	sort.Strings(reply.Failed)
	return reply
}

func main() {
	evaluator, err := newEvaluator()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	lines := bufio.NewReaderSize(os.Stdin, 1<<20)
	replies := bufio.NewWriter(os.Stdout)
	encoder := json.NewEncoder(replies)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			if err := encoder.Encode(ask(evaluator, line)); err != nil {
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
