{{/* What all names begin with. Short enough for the longest ending, since most names may have 63 characters. */}}
{{- define "bindguard.name" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else -}}
{{- $chart := default .Chart.Name .Values.nameOverride -}}
{{- $name := ternary .Release.Name (printf "%s-%s" .Release.Name $chart) (contains $chart .Release.Name) -}}
{{- $name | replace "." "-" | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "bindguard.controllerName" -}}
{{ include "bindguard.name" . }}-controller
{{- end -}}

{{- define "bindguard.caSecret" -}}
{{ include "bindguard.name" . }}-ca
{{- end -}}

{{- define "bindguard.tlsSecret" -}}
{{- if eq .Values.certificates.mode "provided" -}}
{{ .Values.certificates.provided.secretName }}
{{- else -}}
{{ include "bindguard.name" . }}-tls
{{- end -}}
{{- end -}}

{{- define "bindguard.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}
{{- end -}}

{{/* Labels by which Pods are selected. They never change: a Deployment's selector cannot. Takes (list root component). */}}
{{- define "bindguard.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: bindguard
app.kubernetes.io/instance: {{ $root.Release.Name | quote }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{/* Labels of an object. The user's come first, so that they cannot replace those that mean something here. */}}
{{- define "bindguard.labels" -}}
{{- $root := index . 0 -}}
{{- $own := dict
  "app.kubernetes.io/name" "bindguard"
  "app.kubernetes.io/instance" $root.Release.Name
  "app.kubernetes.io/component" (index . 1)
  "app.kubernetes.io/part-of" "bindguard"
  "app.kubernetes.io/version" $root.Chart.AppVersion
  "app.kubernetes.io/managed-by" $root.Release.Service
  "helm.sh/chart" (printf "%s-%s" $root.Chart.Name ($root.Chart.Version | replace "+" "_"))
-}}
{{- toYaml (merge $own $root.Values.commonLabels) -}}
{{- end -}}

{{/* Name, labels and annotations. Takes a dict: root, name, component; optional: labels, annotations, clusterScoped. */}}
{{- define "bindguard.metadata" -}}
{{- $root := .root -}}
name: {{ .name }}
{{- if not .clusterScoped }}
namespace: {{ $root.Release.Namespace | quote }}
{{- end }}
labels:
  {{- toYaml (merge (fromYaml (include "bindguard.labels" (list $root .component))) (.labels | default dict)) | nindent 2 }}
{{- with merge (dict) (.annotations | default dict) $root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
