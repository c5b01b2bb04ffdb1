{{/* Whom every Pod may speak to: the API server, whose name it may have to look up. */}}
{{- define "bindguard.egress" -}}
# The API server, at the port of its Service and at its own: which of them counts is up to the network plugin.
- ports:
    {{- range .Values.networkPolicy.apiServerPorts }}
    - port: {{ int . }}
    {{- end }}
- ports:
    - port: 53
      protocol: UDP
    - port: 53
      protocol: TCP
{{- end -}}
