#!/bin/sh
# Kustomize calls a program of this folder, and gives it no arguments.
exec bindguard krm
