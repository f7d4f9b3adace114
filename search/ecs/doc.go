// Package ecs is a search.Store on Dell ECS, and on any S3 server.
package ecs
