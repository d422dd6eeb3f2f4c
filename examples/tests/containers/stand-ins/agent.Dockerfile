# Checks what the Datadog agent needs, with the users, the owners and the modes of the real image.
FROM stand-in/busybox:latest
COPY --chmod=0755 agent.sh /bin/agent
COPY --chmod=0550 agent-secret.sh /readsecret_multiple_providers.sh
RUN chown root:secret-manager /readsecret_multiple_providers.sh && \
    for directory in /etc/datadog-agent /opt/datadog-agent/run /var/log/datadog /var/run/datadog /var/run/s6; do \
        mkdir -p "$directory" && chown dd-agent:root "$directory" && chmod g+rwX "$directory"; \
    done && \
    mkdir /conf.d && \
    printf '#!/bin/sh\nexec agent health\n' >/probe.sh && chmod 755 /probe.sh
EXPOSE 8125/udp 8126/tcp
VOLUME ["/var/run/s6", "/var/log/datadog"]
CMD ["agent", "run"]
