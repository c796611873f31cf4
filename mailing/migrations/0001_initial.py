import django.utils.timezone
import mailing.encryption
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Mail',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=120, unique=True)),
                ('to', mailing.encryption.EncryptedTextField(blank=True)),
                ('sender', models.CharField(blank=True, max_length=200)),
                ('about', models.CharField(blank=True, max_length=60)),
                ('message_id', models.CharField(blank=True, max_length=300)),
                ('language', models.CharField(max_length=10)),
                ('text', mailing.encryption.EncryptedTextField(blank=True)),
                ('template', models.CharField(blank=True, max_length=100)),
                ('context', mailing.encryption.EncryptedJSONField(default=dict)),
                ('is_demonstration', models.BooleanField(default=False)),
                ('status', models.CharField(choices=[('queued', 'Queued'), ('claimed', 'Being sent'), ('sent', 'Sent'), ('failed', 'Failed'), ('bounced', 'Came back')], default='queued', max_length=20)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('not_before', models.DateTimeField(default=django.utils.timezone.now)),
                ('lease_until', models.DateTimeField(null=True)),
                ('sent_at', models.DateTimeField(null=True)),
            ],
            options={
                'indexes': [models.Index(fields=['status', 'not_before'], name='mail_due'), models.Index(fields=['about'], name='mails_about'), models.Index(fields=['message_id'], name='mail_by_message_id')],
            },
        ),
    ]
