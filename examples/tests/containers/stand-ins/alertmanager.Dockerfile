# A real Alertmanager, laid out as in the image of its authors.
FROM stand-in/busybox
COPY prometheus-alertmanager /bin/alertmanager
COPY amtool /bin/
RUN mkdir -p /alertmanager /etc/alertmanager && chown -R nobody:nobody /alertmanager /etc/alertmanager
USER nobody
EXPOSE 9093
VOLUME ["/alertmanager"]
WORKDIR /alertmanager
ENTRYPOINT ["/bin/alertmanager"]
CMD ["--config.file=/etc/alertmanager/alertmanager.yml", "--storage.path=/alertmanager"]
