// The definitions of OpenReports that the tests install: their own, from their Go module, pinned with its checksum. Nothing
// imports it.
module bindguard/tests/open-reports

go 1.26.0

require github.com/openreports/reports-api v0.2.1
