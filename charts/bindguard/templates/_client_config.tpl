{{/* Where the API server finds bindguard. Takes (list root path). */}}
{{- define "bindguard.clientConfig" -}}
{{- $root := index . 0 -}}
{{- if $root.Values.webhook.url -}}
url: {{ printf "%s%s" (trimSuffix "/" $root.Values.webhook.url) (index . 1) | quote }}
{{- else -}}
service:
  namespace: {{ $root.Release.Namespace | quote }}
  name: {{ include "bindguard.name" $root }}
  path: {{ index . 1 }}
{{- end }}
{{- if and (eq $root.Values.certificates.mode "provided") $root.Values.certificates.provided.caBundle }}
caBundle: {{ $root.Values.certificates.provided.caBundle | b64enc }}
{{- end }}
{{- end -}}

{{/* Names for the certificate beside those of the Service, as a JSON list. */}}
{{- define "bindguard.extraHosts" -}}
{{- $hosts := .Values.certificates.selfManaged.dnsNames -}}
{{- if .Values.webhook.url -}}
{{- $hosts = prepend $hosts (get (urlParse .Values.webhook.url) "hostname") -}}
{{- end -}}
{{- toJson ($hosts | uniq) -}}
{{- end -}}
