# A release of the image, with an SBOM and the provenance of the build as attestations. From the top of the repository:
#
#   VERSION=0.1.0 docker buildx bake --file examples/docker-bake.hcl --push
#
# Attestations are kept with the image in a registry, or in the containerd image store of Docker Engine.

variable "CREATED" {
  default = timestamp()
}

variable "IMAGE" {
  default = "scout-metrics-exporter"
}

variable "REVISION" {
  default = "unknown"
}

variable "SOURCE" {
  default = "unknown"
}

variable "VERSION" {
  default = "unknown"
}

group "default" {
  targets = ["exporter"]
}

target "exporter" {
  context    = "."
  dockerfile = "examples/Dockerfile"
  args = {
    CREATED  = CREATED
    REVISION = REVISION
    SOURCE   = SOURCE
    VERSION  = VERSION
  }
  attest = [
    { type = "provenance", mode = "max" },
    { type = "sbom" },
  ]
  # The base is looked up again, so that a release has its latest fixes.
  pull = true
  tags = ["${IMAGE}:${VERSION}", "${IMAGE}:latest"]
}
