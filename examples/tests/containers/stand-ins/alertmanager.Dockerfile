# A real Alertmanager, laid out as in the image of its authors.
FROM stand-in/busybox:latest
COPY prometheus-alertmanager /bin/alertmanager
COPY amtool /bin/
# Debian's build does not have them in the binary.
COPY templates /usr/share/prometheus/alertmanager
RUN mkdir -p /alertmanager /etc/alertmanager && chown -R nobody:nobody /alertmanager /etc/alertmanager
USER nobody
EXPOSE 9093
VOLUME ["/alertmanager"]
WORKDIR /alertmanager
ENTRYPOINT ["/bin/alertmanager"]
CMD ["--config.file=/etc/alertmanager/alertmanager.yml", "--storage.path=/alertmanager"]
