# Checks what Grafana needs, with the user, the directories and the variables of the real image.
FROM stand-in/busybox:latest
COPY --chmod=0755 grafana.sh /run.sh
ENV GF_PATHS_DATA=/var/lib/grafana \
    GF_PATHS_LOGS=/var/log/grafana \
    GF_PATHS_PLUGINS=/var/lib/grafana/plugins \
    GF_PATHS_PROVISIONING=/etc/grafana/provisioning
RUN mkdir -p "$GF_PATHS_DATA" "$GF_PATHS_LOGS" "$GF_PATHS_PROVISIONING" /www/api && echo ok >/www/api/health && \
    chown -R grafana:root "$GF_PATHS_DATA" "$GF_PATHS_LOGS" /etc/grafana && \
    chmod -R 777 "$GF_PATHS_DATA" "$GF_PATHS_LOGS"
EXPOSE 3000
USER 472
ENTRYPOINT ["/run.sh"]
