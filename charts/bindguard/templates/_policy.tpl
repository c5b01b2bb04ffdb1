{{/* What a schema cannot say of a policy. bindguard would refuse it as well, but only when Pods start. */}}
{{- define "bindguard.checkPolicy" -}}
{{- $policy := .Values.policy -}}
{{- $companions := list -}}
{{- range $policy.companions }}
{{- if has .clusterRole $companions }}{{ fail (printf "policy.companions: %q is there twice" .clusterRole) }}{{ end -}}
{{- $companions = append $companions .clusterRole -}}
{{- end -}}
{{- $names := list -}}
{{- $roles := list -}}
{{- range $policy.personas }}
{{- $persona := .name -}}
{{- if has .name $names }}{{ fail (printf "policy.personas: the name %q is there twice" .name) }}{{ end -}}
{{- $names = append $names .name -}}
{{- range .clusterRoles }}
{{- if has . $roles }}{{ fail (printf "policy.personas: the ClusterRole %q is there twice" .) }}{{ end -}}
{{- if has . $companions }}{{ fail (printf "policy.personas: the ClusterRole %q is a companion as well" .) }}{{ end -}}
{{- $roles = append $roles . -}}
{{- end -}}
{{- range .companions }}
{{- if not (has . $companions) }}{{ fail (printf "policy.personas: %q of persona %q is not one of policy.companions" . $persona) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Whether the API has ValidatingAdmissionPolicies; empty if not. Where Helm renders without a cluster it knows of no kinds
at all, and the version decides. */}}
{{- define "bindguard.hasGuards" -}}
{{- $versions := .Capabilities.APIVersions -}}
{{- if $versions.Has "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy" -}}
true
{{- else if not ($versions.Has "v1/Pod") -}}
{{- if semverCompare ">=1.30.0-0" .Capabilities.KubeVersion.Version }}true{{ end -}}
{{- end -}}
{{- end -}}

{{/* The mode of provisioning: nobody orders where no guard could hold anybody off. */}}
{{- define "bindguard.mode" -}}
{{- if include "bindguard.hasGuards" . -}}
{{ .Values.policy.provisioning.mode }}
{{- else -}}
Disabled
{{- end -}}
{{- end -}}

{{/* The actions of the personas, each once, as a JSON list. */}}
{{- define "bindguard.actions" -}}
{{- $default := .Values.policy.action -}}
{{- $actions := list -}}
{{- range .Values.policy.personas }}{{ $actions = append $actions (.action | default $default) }}{{ end -}}
{{- toJson ($actions | uniq) -}}
{{- end -}}

{{/* Why the check cannot see whether bindguard judges; empty if it can. */}}
{{- define "bindguard.unverifiable" -}}
{{- if has .Release.Namespace .Values.policy.exempt.namespaces -}}
the policy exempts the namespace {{ .Release.Namespace }}, where it would try
{{- else if not (or (has "Deny" (fromJsonArray (include "bindguard.actions" .))) (has "Warn" (fromJsonArray (include "bindguard.actions" .)))) -}}
the policy only audits, which nobody but the audit lines tells
{{- end -}}
{{- end -}}
