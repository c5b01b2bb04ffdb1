{{/* The match conditions, character by character as `bindguard manifests` prints them, which a test compares. */}}

{{/* A CEL string literal. */}}
{{- define "bindguard.celString" -}}
'{{ . | replace "\\" "\\\\" | replace "'" "\\'" }}'
{{- end -}}

{{/* A CEL list of string literals. */}}
{{- define "bindguard.celList" -}}
{{- $literals := list -}}
{{- range . }}{{ $literals = append $literals (include "bindguard.celString" .) }}{{ end -}}
[{{ join ", " $literals }}]
{{- end -}}

{{/* Subjects that may be of a kind that the persona enforces. A User may be a ServiceAccount by its other name. */}}
{{- define "bindguard.subjectCondition" -}}
{{- $kinds := .subjectKinds | default (list "User" "Group" "ServiceAccount") -}}
{{- $user := has "User" $kinds -}}
{{- $group := has "Group" $kinds -}}
{{- $account := has "ServiceAccount" $kinds -}}
{{- if and $user $group $account -}}
size(object.subjects) > 0
{{- else -}}
{{- $conditions := list -}}
{{- if $user }}{{ $conditions = append $conditions "subject.kind == 'User'" }}{{ end -}}
{{- if $group }}{{ $conditions = append $conditions "subject.kind == 'Group'" }}{{ end -}}
{{- if $account }}
{{- $conditions = append $conditions "subject.kind == 'ServiceAccount'" -}}
{{- if not $user }}
{{- $conditions = append $conditions "subject.kind == 'User' && subject.name.startsWith('system:serviceaccount:')" -}}
{{- end -}}
{{- end -}}
object.subjects.exists(subject, {{ join " || " $conditions }})
{{- end -}}
{{- end -}}

{{/* Bindings to a persona with a subject of a kind that it enforces. Takes the policy. */}}
{{- define "bindguard.personaBindings" -}}
{{- $personas := list -}}
{{- range .personas -}}
{{- $roles := include "bindguard.celList" .clusterRoles -}}
{{- $personas = append $personas (printf "object.roleRef.name in %s && %s" $roles (include "bindguard.subjectCondition" .)) -}}
{{- end -}}
{{- ternary "object.roleRef.kind in ['ClusterRole', 'Role']" "object.roleRef.kind == 'ClusterRole'" .matchRoles }} && has(object.subjects) && ({{ join " || " $personas }})
{{- end -}}

{{/* Bindings to a companion or to what implies one. Those that the persona webhook is asked about are left to it. */}}
{{- define "bindguard.companionBindings" -}}
{{- $roles := list -}}
{{- range .companions }}{{ $roles = concat $roles (list .clusterRole) (.impliedBy | default list) }}{{ end -}}
{{- $roles = $roles | uniq | sortAlpha -}}
{{- $binding := "(object != null ? object : oldObject)" -}}
{{ $binding }}.roleRef.kind == 'ClusterRole' && {{ $binding }}.roleRef.name in {{ include "bindguard.celList" $roles }}
{{- $overlap := false -}}
{{- range .personas }}{{ range .clusterRoles }}{{ if has . $roles }}{{ $overlap = true }}{{ end }}{{ end }}{{ end -}}
{{- if $overlap }} && !(request.operation == 'UPDATE' && {{ include "bindguard.personaBindings" . }}){{ end -}}
{{- end -}}

{{/* An annotation of ours as an optional value, in CEL. Takes (list object key). */}}
{{- define "bindguard.annotation" -}}
{{ index . 0 }}.metadata.?annotations[?'bindguard.dev/{{ index . 1 }}']
{{- end -}}

{{/* Whether an annotation of ours differs from what it was. */}}
{{- define "bindguard.annotationChanged" -}}
{{ include "bindguard.annotation" (list "object" .) }}.orValue('') != {{ include "bindguard.annotation" (list "oldObject" .) }}.orValue('')
{{- end -}}

{{/* An order that was not there before, or that somebody else now stands for. */}}
{{- define "bindguard.newOrder" -}}
{{ include "bindguard.annotation" (list "object" "order") }}.hasValue() && (oldObject == null || {{ include "bindguard.annotationChanged" "order" }} || {{ include "bindguard.annotationChanged" "ordered-by" }})
{{- end -}}

{{/* Bindings that an order may be stamped on, and those that bring one which must be taken off. Takes (list policy mode). */}}
{{- define "bindguard.toPatch" -}}
{{- $policy := index . 0 -}}
{{- if eq (index . 1) "OnRequest" -}}
{{ include "bindguard.annotation" (list "object" "provision") }}.hasValue() && {{ end -}}
{{- with $policy.exempt.namespaces -}}
!(request.?namespace.orValue('') in {{ include "bindguard.celList" . }}) && {{ end -}}
{{ include "bindguard.personaBindings" $policy }} || {{ include "bindguard.newOrder" . }}
{{- end -}}
